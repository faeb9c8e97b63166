/** Kubernetes takes a MicroTime with exactly six digits after the point, and answers 400 to any other. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
