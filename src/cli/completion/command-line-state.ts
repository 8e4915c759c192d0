import type { KnownCommand, KnownFlag } from './command-list.ts'

/** The command line before the cursor. */
export interface WordsBeforeCursor {
  /** the words after `dray`, without the one at the cursor */
  readonly before: readonly string[]
  /** the part of the word at the cursor that is before the cursor */
  readonly current: string
}

/** The meaning of the arguments before the cursor. */
export interface CommandLineState {
  /** the words of an unfinished command, such as `plan`; empty after the whole command */
  readonly path: readonly string[]
  /** undefined: the words do not name a command yet */
  readonly command: KnownCommand | undefined
  /** the flags that can be given here */
  readonly flags: readonly KnownFlag[]
  /** names of the flags that were given, with their values */
  readonly given: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
  /** the flag whose value is at the cursor */
  readonly valueOf: KnownFlag | undefined
  /** whether the word at the cursor can be a flag: `--` ends the flags */
  readonly canBeFlag: boolean
}

/** Reads the words before the cursor; undefined if they name no command of dray. */
export function readCommandLine(
  words: readonly string[],
  commands: readonly KnownCommand[],
): CommandLineState | undefined {
  const reader = new WordReader(commands)
  for (const word of words) reader.read(word)
  return reader.state()
}

class WordReader {
  readonly #commands: readonly KnownCommand[]
  readonly #given = new Map<string, string[]>()
  readonly #positionals: string[] = []
  #path: readonly string[] = []
  #command: KnownCommand | undefined
  #valueOf: KnownFlag | undefined
  #isAfterFlags = false
  #isUnknown = false

  constructor(commands: readonly KnownCommand[]) {
    this.#commands = commands
  }

  read(word: string): void {
    if (this.#valueOf !== undefined) {
      this.#note(this.#valueOf.name, word)
      this.#valueOf = undefined
    } else if (this.#isAfterFlags) this.#positionals.push(word)
    else if (word === '--') this.#isAfterFlags = true
    else if (word.startsWith('-') && word !== '-') this.#readFlag(word)
    else if (this.#command === undefined) this.#readName(word)
    else this.#positionals.push(word)
  }

  state(): CommandLineState | undefined {
    if (this.#isUnknown) return undefined
    return {
      path: this.#command === undefined ? this.#path : [],
      command: this.#command,
      flags: this.#flags,
      given: this.#given,
      positionals: this.#positionals,
      valueOf: this.#valueOf,
      canBeFlag: !this.#isAfterFlags,
    }
  }

  get #flags(): readonly KnownFlag[] {
    return this.#command?.flags ?? globalFlagsOf(this.#commands)
  }

  #readFlag(word: string): void {
    const [name = '', ...value] = word.split('=')
    const flag = findFlag(name, this.#flags)
    if (flag === undefined) return
    if (!flag.takesValue || value.length > 0) this.#note(flag.name, value.join('='))
    else this.#valueOf = flag
  }

  #readName(word: string): void {
    const path = [...this.#path, word]
    const name = path.join(' ')
    const found = this.#commands.find((one) => one.name === name || one.aliases.includes(name))
    const isTopic = this.#commands.some((one) => one.name.startsWith(`${name} `))
    if (found === undefined && !isTopic) this.#isUnknown = true
    this.#path = path
    this.#command = found
  }

  #note(name: string, value: string): void {
    this.#given.set(name, [...(this.#given.get(name) ?? []), value])
  }
}

/** Finds a flag by its word, such as `--yes`, `-y` or `--no-color`. */
function findFlag(word: string, flags: readonly KnownFlag[]): KnownFlag | undefined {
  return flags.find(
    ({ name, char, allowsNo }) =>
      word === `--${name}` ||
      (char !== undefined && word === `-${char}`) ||
      (allowsNo && word === `--no-${name}`),
  )
}

/** The flags, with the values, of every command except `help`, which has none of them. */
function globalFlagsOf(commands: readonly KnownCommand[]): readonly KnownFlag[] {
  const [first, ...others] = commands.filter(({ name }) => name !== 'help')
  return (first?.flags ?? []).flatMap((flag) => {
    const same = others.flatMap(({ flags }) => flags.find(({ name }) => name === flag.name) ?? [])
    if (same.length < others.length) return []
    return [
      { ...flag, values: flag.values.filter((value) => same.every((one) => one.values.includes(value))) },
    ]
  })
}
