/**
 * Reads the runnable parts of a page of documentation. `CONTRIBUTING.md` has the rules for authors.
 */

/** A file that the page shows and that its commands use. */
interface FileStep {
  readonly kind: 'file'
  readonly path: string
  readonly content: string
}

export interface CommandStep {
  readonly kind: 'command'
  /** the command without its prompt, in one line */
  readonly command: string
  /** the shown output; undefined in a fence that shows commands only, and for hidden commands */
  readonly shown: readonly string[] | undefined
  readonly exit: number
  /** the shown prompt with the answer yes; undefined if there is none */
  readonly prompt: string | undefined
  /** the number of the first line of the shown output in the page, from 0 */
  readonly outputLine: number
}

type PageStep = FileStep | CommandStep

export interface DocsPage {
  readonly steps: readonly PageStep[]
  /** images, beside those of the standard content */
  readonly images: readonly string[]
  /** the profile of the embedded registry, by host */
  readonly profiles: ReadonlyMap<string, string>
  /** whether the page starts with empty registries and without a `dray.yaml` */
  readonly isEmpty: boolean
  /** whether nothing is attached to the images of the standard content */
  readonly isUnsigned: boolean
}

interface Fence {
  readonly language: string
  readonly lines: readonly string[]
  /** the number of the first line inside of the fence, from 0 */
  readonly start: number
}

/** Directives of the comments before a fence. */
interface Directives {
  file?: string
  exit?: number
  isSkipped?: boolean
}

/** @throws for a directive that does not exist. */
export function readPage(text: string): DocsPage {
  const lines = text.split('\n')
  const steps: PageStep[] = []
  const images: string[] = []
  const profiles = new Map<string, string>()
  let world = ''
  let directives: Directives = {}
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const [, name, value = ''] =
      /^\s*<!-- (file|exit|setup|world|image|registry|not run)(?:: (.*?))? -->$/.exec(line) ?? []
    const [, indent = '', language] = /^(\s*)```(\w*)$/.exec(line) ?? []
    if (name === 'file') directives.file = value
    else if (name === 'exit') directives.exit = Number(value)
    else if (name === 'not run') directives.isSkipped = true
    else if (name === 'image') images.push(value)
    else if (name === 'registry') profiles.set(...pairOf(value))
    else if (name === 'world') world = value
    else if (name === 'setup') steps.push(hidden(value))
    else if (language !== undefined) {
      const end = lines.findIndex((other, i) => i > at && other.trim() === '```')
      if (end < 0) throw new Error(`the fence in line ${at + 1} has no end`)
      const inside = lines.slice(at + 1, end).map((inner) => inner.slice(indent.length))
      steps.push(...stepsOf({ language, lines: inside, start: at + 1 }, directives))
      directives = {}
      at = end
    } else if (line.trim() !== '') directives = {}
  }
  return { steps, images, profiles, isEmpty: world === 'none', isUnsigned: world === 'unsigned' }
}

function pairOf(text: string): [string, string] {
  const [first = '', second = ''] = text.split(' ')
  return [first, second]
}

function hidden(command: string): CommandStep {
  return { kind: 'command', command, shown: undefined, exit: 0, prompt: undefined, outputLine: 0 }
}

function stepsOf(fence: Fence, { file, exit = 0, isSkipped = false }: Directives): readonly PageStep[] {
  if (file !== undefined) return [{ kind: 'file', path: file, content: `${fence.lines.join('\n')}\n` }]
  if (isSkipped || !['console', 'sh', 'bash'].includes(fence.language)) return []
  const commands = fence.language === 'console' ? shownCommands(fence) : plainCommands(fence)
  const run = commands.filter(({ command }) =>
    /(?:^|[\s;|&(])(?:dray|cosign|trivy)\s|>>? dray\.yaml/.test(command),
  )
  return run.map((step, i) => (i === run.length - 1 ? { ...step, exit } : step))
}

function shownCommands({ lines, start }: Fence): readonly CommandStep[] {
  const steps: CommandStep[] = []
  for (let at = 0; at < lines.length; at++) {
    if (lines[at]?.startsWith('$ ') !== true) continue
    let end = at
    while (lines[end]?.endsWith('\\') === true) end++
    const command = joined(lines.slice(at, end + 1)).slice(2)
    const next = lines.findIndex((line, i) => i > end && line.startsWith('$ '))
    const output = lines.slice(end + 1, next < 0 ? lines.length : next)
    const prompt = output.find((line) => line.startsWith('? '))
    steps.push({ kind: 'command', command, shown: output, exit: 0, prompt, outputLine: start + end + 1 })
    at = end
  }
  return steps
}

function plainCommands({ lines }: Fence): readonly CommandStep[] {
  const steps: CommandStep[] = []
  for (let at = 0; at < lines.length; at++) {
    let end = at
    while (lines[end]?.endsWith('\\') === true) end++
    const command = joined(lines.slice(at, end + 1)).replace(/\s+# .*$/, '')
    if (command.trim() !== '' && !command.startsWith('#')) steps.push({ ...hidden(command) })
    at = end
  }
  return steps
}

function joined(lines: readonly string[]): string {
  return lines.map((line, i) => (i === 0 ? line : line.trimStart()).replace(/\\$/, '')).join('')
}
