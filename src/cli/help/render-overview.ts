import { wrap } from '../../render/text/width.ts'
import type { Term } from './command-help.ts'
import { commandTable, indexPage } from './command-table.ts'
import { type HelpPage, joinBlocks, labelWidth, section, termLines } from './layout.ts'

/** The fields of a command that the overviews show. */
interface CommandEntry {
  readonly id: string
  readonly summary?: string | undefined
}

export interface Program {
  readonly description: string
  readonly commands: readonly CommandEntry[]
  /** summaries by the name of a topic */
  readonly topics: ReadonlyMap<string, string>
  readonly homepage: string
  /** the address of the folder with the pages, ending with "/" */
  readonly docs: string
  readonly bugs: string
}

const examples = [
  'dray status',
  'dray promote api:1.4.2 --from staging --to prod',
  'dray prune @dev/api --apply',
]

const flags: readonly Term[] = [
  { label: '-h, --help', text: 'Show help for a command.' },
  { label: '-V, --version', text: 'Show the version.' },
]

/** The help of the program: its commands in groups. */
export function renderProgram(program: Program, page: HelpPage): string {
  const groups = commandTable.map(({ title, commands }) => ({
    title,
    terms: commandTerms(Object.keys(commands), program),
  }))
  const links: readonly Term[] = [
    { label: 'Website', text: program.homepage },
    { label: 'Documentation', text: program.docs + indexPage },
    { label: 'Report a bug', text: program.bugs },
    { label: 'Report a vulnerability', text: 'see SECURITY.md' },
  ]
  const width = labelWidth([...groups.flatMap(({ terms }) => terms), ...flags])
  return joinBlocks([
    wrap(program.description, page.width).join('\n'),
    section('Usage', ['dray COMMAND [flags]'], page),
    section('Examples', examples, page),
    ...groups.map(({ title, terms }) => section(title, termLines(terms, width, page), page)),
    section('Flags', termLines(flags, width, page), page),
    wrap('Run "dray COMMAND --help" for the flags and examples of a command.', page.width).join('\n'),
    section('Learn more', termLines(links, labelWidth(links), page), page),
  ])
}

/** The help of a topic, such as `dray audit`: its commands. */
export function renderTopic(topic: string, program: Program, page: HelpPage): string {
  const ids = commandTable.flatMap(({ commands }) => Object.keys(commands)).filter((id) => isIn(topic, id))
  const terms = entriesOf(ids, program).map(({ id, summary = '' }) => ({
    label: id.slice(topic.length + 1),
    text: summary,
  }))
  const hint = `Run "dray ${topic} COMMAND --help" for the flags and examples of a command.`
  const pages = commandTable.flatMap(({ commands }) => ids.flatMap((id) => commands[id] ?? []))
  return joinBlocks([
    wrap(program.topics.get(topic) ?? '', page.width).join('\n'),
    section('Usage', [`dray ${topic} COMMAND [flags]`], page),
    section('Commands', termLines(terms, labelWidth(terms), page), page),
    wrap(hint, page.width).join('\n'),
    section(
      'Learn more',
      [...new Set(pages)].map((name) => program.docs + name),
      page,
    ),
  ])
}

/** The existing commands. Those of a topic are one entry, unless the topic has only one command. */
function commandTerms(ids: readonly string[], program: Program): readonly Term[] {
  const entries = entriesOf(ids, program)
  const sizes = new Map([...Map.groupBy(entries, topicOf)].map(([topic, { length }]) => [topic, length]))
  const terms = entries.map((entry): Term => {
    const topic = topicOf(entry)
    if (topic === undefined || sizes.get(topic) === 1)
      return { label: entry.id.replaceAll(':', ' '), text: entry.summary ?? '' }
    return { label: topic, text: program.topics.get(topic) ?? '' }
  })
  return [...new Map(terms.map((term) => [term.label, term])).values()]
}

function entriesOf(ids: readonly string[], { commands }: Program): readonly CommandEntry[] {
  return ids.flatMap((id) => commands.filter((command) => command.id === id))
}

function topicOf({ id }: CommandEntry): string | undefined {
  return id.includes(':') ? id.split(':')[0] : undefined
}

function isIn(topic: string, id: string): boolean {
  return id.startsWith(`${topic}:`)
}
