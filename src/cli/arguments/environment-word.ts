/** The name of an environment as a word of the command line gives it: with `@`, as in an address, or without. */
export function environmentWord(word: string): string {
  return word.replace(/^@/, '')
}
