/** The global flags, and whether each takes a value. A test compares them with `globalFlags`. */
export const globalNames: Readonly<Record<string, boolean>> = {
  output: true,
  json: false,
  quiet: false,
  verbose: false,
  color: false,
  'no-color': false,
  'no-pager': false,
  config: true,
  timeout: true,
  'max-wait': true,
  username: true,
  'password-stdin': false,
  'auth-registry': true,
  help: false,
  version: false,
}

/** The letters of short global flags. */
export const globalLetters: Readonly<Record<string, string>> = {
  o: 'output',
  q: 'quiet',
  v: 'verbose',
  u: 'username',
  h: 'help',
  V: 'version',
}

/** An argument that is no flag, and its index. */
interface Word {
  readonly text: string
  readonly index: number
}

/** Arguments up to the first flag that is not global. */
export interface SplitArguments {
  readonly words: readonly Word[]
  /** names of global flags before, between and behind the words */
  readonly flags: ReadonlySet<string>
  /** the global flags with values that are arguments of their own */
  readonly values: readonly { readonly flag: string; readonly value: string }[]
  /** the first flag that is not global, or a global flag without its value */
  readonly stoppedAt?: string
}

/**
 * Splits arguments, so that global flags can stand before the command and between its words. Behind
 * a `--` before the first word, all arguments are words.
 */
export function splitArguments(args: readonly string[]): SplitArguments {
  const words: Word[] = []
  const flags = new Set<string>()
  const values: { flag: string; value: string }[] = []
  const collected = { words, flags, values }
  for (let i = 0; i < args.length; i++) {
    const text = args[i] ?? ''
    if (text === '--') {
      const rest = args.slice(i + 1).map((word, at) => ({ text: word, index: i + 1 + at }))
      return words.length === 0 ? { ...collected, words: rest } : collected
    }
    if (!text.startsWith('-') || text === '-') {
      words.push({ text, index: i })
      continue
    }
    const found = flagsIn(text)
    if (found === undefined) return { ...collected, stoppedAt: text }
    for (const name of found.names) flags.add(name)
    if (!found.takesNext) continue
    const value = args[++i]
    if (value === undefined) return { ...collected, stoppedAt: text }
    values.push({ flag: text, value })
  }
  return collected
}

/** The global flags in one argument: `--json`, `--config=FILE`, `-qo`, `-ojson`. */
function flagsIn(
  text: string,
): { readonly names: readonly string[]; readonly takesNext: boolean } | undefined {
  const [, name = '', value] = /^--([^=]+)(=.*)?$/s.exec(text) ?? []
  if (name !== '') {
    const takesValue = Object.hasOwn(globalNames, name) ? globalNames[name] : undefined
    if (takesValue === undefined || (value !== undefined && !takesValue)) return undefined
    return { names: [name], takesNext: takesValue && value === undefined }
  }
  const names: string[] = []
  for (let i = 1; i < text.length; i++) {
    const long = globalLetters[text.charAt(i)]
    if (long === undefined) return undefined
    names.push(long)
    if (globalNames[long] === true) return { names, takesNext: i === text.length - 1 }
  }
  return { names, takesNext: false }
}
