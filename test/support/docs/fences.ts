export interface Fence {
  readonly language: string
  readonly text: string
  /** the number of its first line in the page, from 1 */
  readonly line: number
  /** the exit code that the page states for the last command */
  readonly exit: number
}

/** The code fences of a page, without the indentation of a list. */
export function fencesOf(page: string): readonly Fence[] {
  return [...page.matchAll(/^( *)```(\w*)[^\n]*\n(.*?)^\1```$/gms)].map((match) => {
    const [, indent = '', language = '', body = ''] = match
    const before = page.slice(0, match.index)
    const exit = Number(/<!-- exit: (\d+) -->\s*$/.exec(before)?.[1] ?? 0)
    const text = indent === '' ? body : body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    return { language, text, line: before.split('\n').length + 1, exit }
  })
}
