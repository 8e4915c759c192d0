import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readManifest } from '../src/cli/program/manifest.ts'
import { project } from '../src/cli/project.ts'
import { drayCommandsIn } from './support/docs/dray-commands.ts'
import { fencesOf } from './support/docs/fences.ts'
import { complaintOfArguments } from './support/docs/parse-arguments.ts'
import { shellCommands } from './support/docs/shell-commands.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })]

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** Separates the content of code fences from the other text. */
function split(text: string): { readonly fenced: readonly string[]; readonly prose: string } {
  const fenced: string[] = []
  const prose = text.replaceAll(/^```([^\n]*)\n(.*?)^```$/gms, (_, language: string, body: string) => {
    // The other lines of a session are output.
    fenced.push(language === 'console' ? (body.match(/^\$ .*(?:\\\n.*)*/gm) ?? []).join('\n') : body)
    return ''
  })
  return { fenced, prose }
}

/** The anchor of a heading on GitHub. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}

function anchorsOf(page: string): readonly string[] {
  return [...split(read(page)).prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

function pagesLinkedFrom(page: string): readonly string[] {
  const links = [...split(read(page)).prose.matchAll(/\]\(([^)\s#]+)/g)].map(([, link = '']) => link)
  return links.map((link) => relative(root, join(root, dirname(page), link)))
}

/** The problems of the links of a page. */
function brokenLinks(page: string, text: string): readonly string[] {
  const links = [...split(text).prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.flatMap((link) => {
    if (/^https?:/.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : relative(root, join(root, dirname(page), path))
    if (target.startsWith('..') || !existsSync(join(root, target))) return [`${page}: ${link} is not there`]
    const isHeading = anchor === undefined || anchorsOf(target).includes(anchor)
    return isHeading ? [] : [`${page}: ${link} has no such heading`]
  })
}

const manifest = await readManifest()

/** The problems of the dray commands on a page, except of those that show wrong usage. */
async function wrongCommands(page: string): Promise<readonly string[]> {
  const fences = fencesOf(read(page)).filter(({ exit }) => exit !== 64)
  const commands = fences.flatMap((fence) =>
    drayCommandsIn(fence).map((args) => ({ args, line: fence.line })),
  )
  const complaints = await Promise.all(
    commands.map(async ({ args, line }) => {
      const complaint = await complaintOfArguments(args)
      return complaint === undefined ? [] : [`${page}:${line}: dray ${args.join(' ')}: ${complaint}`]
    }),
  )
  return complaints.flat()
}

describe('the documents', () => {
  it.each(pages)('%s links only to existing pages and headings', (page) => {
    expect(brokenLinks(page, read(page))).toEqual([])
  })

  it.each(pages)('%s has only commands that the option parsers accept', async (page) => {
    expect(await wrongCommands(page)).toEqual([])
  })

  it.each(pages)('%s contains no path of one machine', (page) => {
    expect(read(page)).not.toMatch(/\/(?:work|root|tmp)\/|\.\.\/shared/)
  })

  it('have an entry for every page in the README of its folder or of a folder above', () => {
    const indexes = globSync('{README.md,docs/README.md,docs/*/README.md}', { cwd: root })
    const listed = new Set(indexes.flatMap((index) => pagesLinkedFrom(index)))
    const all = globSync('docs/**/*.md', { cwd: root, exclude: ['docs/README.md'] })
    expect(all.filter((page) => !listed.has(page))).toEqual([])
  })

  it.each([
    'README.md',
    ...['install', 'getting-started', 'ci', 'github-action'].map((page) => `docs/${page}.md`),
  ])('%s states that nothing is published, as long as the account is a placeholder', (page) => {
    expect(/no version is published yet/i.test(read(page))).toBe(project.isPlaceholder)
  })

  it('name only existing tests', () => {
    const named = read('docs/reliability.md').match(/`test\/[^`]+`/g) ?? []
    const absent = named.map((name) => name.slice(1, -1)).filter((name) => !existsSync(join(root, name)))
    expect(named.length).toBeGreaterThan(20)
    expect(absent).toEqual([])
  })

  it('name every file of test/attacks in the table of attacks', () => {
    const rows = read('docs/security.md').match(/^\|.*\| (?:`[\w-]+`,? ?)+\|$/gm) ?? []
    const named = rows.flatMap(
      (row) =>
        row
          .split('|')
          .at(-2)
          ?.match(/[\w-]+/g) ?? [],
    )
    const files = globSync('test/attacks/*.test.ts', { cwd: root }).map((file) => basename(file, '.test.ts'))
    expect(named.toSorted()).toEqual(files.toSorted())
  })
})

describe('the checks of documents', () => {
  it.each([
    ['[x](nowhere.md)', 'nowhere.md is not there'],
    ['[x](#nothing)', '#nothing has no such heading'],
    ['[x](../../etc/passwd)', 'is not there'],
  ])('find the broken link %s', (text, problem) => {
    expect(brokenLinks('README.md', text).join()).toContain(problem)
  })

  it.each([
    ['console', '$ dray promot api', 'there is no command promot'],
    ['sh', 'dray ls @prod/api --al', 'ls: Nonexistent flag: --al'],
    ['sh', 'dray promote api --to', 'promote: Flag --to expects a value'],
    ['sh', 'dray ls', 'ls: Missing 1 required arg'],
    ['sh', 'X=$(dray promote a b -z)', 'promote: Nonexistent flag: -z'],
    ['sh', 'true && if dray plan shw x; then echo; fi', 'there is no command plan'],
    ['sh', 'dray promote a b --yes=true', 'promote: --yes takes no value'],
    ['sh', 'dray ls "@prod/api" -o name | xargs -n 1 dray inspect --n', 'inspect: Nonexistent flag: --n'],
    ['yaml', 'a: { script: [echo, "dray copy a b --form x"] }', 'copy: Nonexistent flag: --form'],
    [
      'yaml',
      '- uses: OWNER/dray@v1\n  with: { command: "copy a b\\n --form" }',
      'copy: Nonexistent flag: --form',
    ],
    ['yaml', 'image: ghcr.io/owner/dray:1\nargs: [prune, --aply]', 'prune: Nonexistent flag: --aply'],
    ['groovy', "sh 'dray prune --aply'", 'prune: Nonexistent flag: --aply'],
    ['cron', '17 3 * * * dray cd /etc && dray prune --aply', 'prune: Nonexistent flag: --aply'],
  ])('find the problem of a fence of %s: %s', async (language, text, problem) => {
    const [args = []] = drayCommandsIn({ language, text, line: 1, exit: 0 }).slice(-1)
    expect(await complaintOfArguments(args)).toContain(problem)
  })

  it.each([
    ['a \'b c\' "d $x" e\\ f # g', [['a', 'b c', 'd 1', 'e f']]],
    ['a >out 2>&1 <<<"$(b c)"; d', [['b', 'c'], ['a'], ['d']]],
    ['X=1 a \\\n  b | c', [['a', 'b'], ['c']]],
  ])('split the shell script %j into commands', (script, commands) => {
    expect(shellCommands(script)).toEqual(commands)
  })
})

it('every command has examples in its help', () => {
  const without = manifest.filter(({ examples = [] }) => examples.length === 0)
  expect(without.map(({ id }) => id)).toEqual([])
})
