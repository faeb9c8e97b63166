/** Two waits at the same time; where one fails the other is told to stop, and both have ended when it throws. */
export async function bothAtOnce(
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const stopOthers = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    try {
      await work(either);
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  };
  const results = await Promise.allSettled(works.map(stopOthers));
  if (failure.signal.aborted) throw failure.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
