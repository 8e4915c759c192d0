/** The sample value of a variable or substitution whose name mentions a digest. */
const sampleDigest = `sha256:${'0'.repeat(64)}`

/** A command of a shell script: its words after quotes and expansions. */
export type ShellCommand = readonly string[]

/** Words before a command that belong to the shell, or run the command after them. */
const prefixes = /^(?:if|then|else|do|while|until|!|\{|sudo|exec|time|command|\w+=.*)$/s

/**
 * Lists the simple commands of a shell script, also those in substitutions (POSIX, Shell Command
 * Language). Expansions have a sample value. Redirections and comments are dropped.
 */
export function shellCommands(script: string): readonly ShellCommand[] {
  return new ShellReader(script).read()
}

class ShellReader {
  readonly #text: string
  readonly #commands: string[][] = []
  #at = 0
  #words: string[] = []
  /** undefined between words */
  #word: string | undefined
  #isRedirected = false

  constructor(text: string) {
    this.#text = text
  }

  read(): readonly ShellCommand[] {
    while (this.#at < this.#text.length) this.#step()
    this.#endCommand()
    return this.#commands.map(withoutPrefixes).filter((words) => words.length > 0)
  }

  #step(): void {
    const rest = this.#text.slice(this.#at)
    const [separator] = /^(?:\\\n[ \t]*|[ \t]+|\d?(?:>>|>|<<<|<<|<)(?:&\d)?|[\n;&|()]+)/.exec(rest) ?? []
    if (separator !== undefined) {
      this.#at += separator.length
      this.#endWord()
      if (/[<>]/.test(separator)) this.#isRedirected = !separator.includes('&')
      else if (/^[\n;&|()]/.test(separator)) this.#endCommand()
    } else if (this.#word === undefined && rest.startsWith('#')) {
      this.#at += /^[^\n]*/.exec(rest)?.[0].length ?? 0
    } else this.#part(rest)
  }

  /** Reads the next part of a word: quoted, escaped, expanded or plain. */
  #part(rest: string): void {
    const single = /^'([^']*)'/.exec(rest)
    const plain = /^[^\s\\'"$`;&|()<>]+/.exec(rest)
    if (single !== null) this.#add(single[1] ?? '', single[0].length)
    else if (rest.startsWith('"')) this.#quoted()
    else if (rest.startsWith('\\')) this.#add(rest.charAt(1), 2)
    else if (/^[$`]/.test(rest)) this.#expansion(rest)
    else this.#add(plain?.[0] ?? rest.charAt(0), plain?.[0].length ?? 1)
  }

  #quoted(): void {
    this.#add('', 1)
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      const rest = this.#text.slice(this.#at)
      if (/^\\["\\$`\n]/.test(rest)) this.#add(rest.charAt(1).trim(), 2)
      else if (/^[$`]/.test(rest)) this.#expansion(rest)
      else this.#add(rest.charAt(0), 1)
    }
    this.#at++
  }

  #expansion(rest: string): void {
    const substitution = rest.startsWith('$(') ? inBrackets(rest.slice(1), '(', ')') : undefined
    const braces = rest.startsWith('${') ? inBrackets(rest.slice(1), '{', '}') : undefined
    const backquoted = /^`([^`]*)`/.exec(rest)?.[1]
    const script = substitution ?? backquoted
    if (script !== undefined) {
      this.#commands.push(...new ShellReader(script).read().map((words) => [...words]))
      this.#add(sampleOf(script), script.length + (backquoted === undefined ? 3 : 2))
    } else if (braces !== undefined) this.#add(sampleOf(braces), braces.length + 3)
    else {
      const name = /^\$\w+/.exec(rest)?.[0]
      this.#add(name === undefined ? '$' : sampleOf(name), name?.length ?? 1)
    }
  }

  #add(text: string, length: number): void {
    this.#word = `${this.#word ?? ''}${text}`
    this.#at += length
  }

  #endWord(): void {
    if (this.#word !== undefined && !this.#isRedirected) this.#words.push(this.#word)
    if (this.#word !== undefined) this.#isRedirected = false
    this.#word = undefined
  }

  #endCommand(): void {
    this.#endWord()
    this.#commands.push(this.#words)
    this.#words = []
  }
}

function sampleOf(name: string): string {
  return /digest/i.test(name) ? sampleDigest : '1'
}

/** The text between the first bracket and the one that closes it. */
function inBrackets(text: string, open: string, close: string): string | undefined {
  let depth = 0
  for (const [i, character] of Array.from(text).entries()) {
    if (character === open) depth++
    else if (character === close && --depth === 0) return text.slice(1, i)
  }
  return undefined
}

function withoutPrefixes(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !prefixes.test(word))
  const command = start < 0 ? [] : words.slice(start)
  if (command[0] !== 'xargs') return command
  const inner = command.findIndex((word, i) => i > 0 && !/^-|^\d+$/.test(word))
  return inner < 0 ? [] : [...command.slice(inner), 'sample']
}
