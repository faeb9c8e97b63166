/** `_+_` is +, `@in` is in, `-_` is -; undefined: it is an ordinary function. */
export function operator(name: string): string | undefined {
  if (name === '@in') return 'in';
  return /^_?([^\w@]+)_?$/.exec(name)?.[1];
}
