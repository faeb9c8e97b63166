/** Real time. */
export const realTimers: {
  now(): number;
  after(milliseconds: number, wake: () => void): () => void;
} = {
  now: () => Date.now(),
  after(milliseconds, wake) {
    const timer = setTimeout(wake, milliseconds);
    return () => clearTimeout(timer);
  },
};
