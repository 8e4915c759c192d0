import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readManifest } from '../src/cli/program/manifest.ts'

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

const manifest = new Map((await readManifest()).map((command) => [command.id, command]))

/** Lines with a `dray` command, at the start, after `$ `, `- ` or `run: `, or in `$(…)`. */
function commandsIn(fenced: string): readonly string[] {
  const joined = fenced.replaceAll(/\\\n\s*/g, '')
  return joined.split('\n').flatMap((line) => {
    const found = /(?:^\s*(?:\$ |- |run: |- run: )?|\$\()dray (.+)$/.exec(line)
    return found?.[1] === undefined ? [] : [found[1].replace(/ \|.*$| >>? .*$|\)[" ].*$|\)$/, '')]
  })
}

/** The problem of a command line without `dray`, if any. */
function complaintOf(commandLine: string): string | undefined {
  const parts = (commandLine.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).filter((part) => part !== '#')
  const [first = '', second = ''] = parts
  if (first.startsWith('-')) return ['--help', '--version'].includes(first) ? undefined : `no flag ${first}`
  if (first === 'help' || first === 'COMMAND') return undefined
  const command = manifest.get(`${first}:${second}`) ?? manifest.get(first)
  if (command === undefined) return `no command ${first}`
  const known = new Set(
    Object.entries(command.flags).flatMap(([name, { char, allowNo }]) => [
      `--${name}`,
      ...(char === undefined ? [] : [`-${char}`]),
      ...(allowNo === true ? [`--no-${name}`] : []),
    ]),
  )
  const flags = parts.filter((part) => part.startsWith('-')).map((part) => part.replace(/=.*$/s, ''))
  const unknown = flags.filter((flag) => !known.has(flag) && flag !== '--help')
  return unknown.length === 0 ? undefined : `${first} has no ${unknown.join(', ')}`
}

describe('the documents', () => {
  it.each(pages)('%s links only to existing pages and headings', (page) => {
    expect(brokenLinks(page, read(page))).toEqual([])
  })

  it.each(pages)('%s has only existing commands and flags', (page) => {
    const found = split(read(page)).fenced.flatMap((fenced) => commandsIn(fenced))
    expect(found.flatMap((commandLine) => complaintOf(commandLine) ?? [])).toEqual([])
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
    ['$ dray promot api', 'no command promot'],
    ['dray ls @prod/api --al', 'ls has no --al'],
    ['  - dray copy a b --form x', 'copy has no --form'],
    ['X=$(dray promote a b -z)', 'promote has no -z'],
    ['dray plan shw x', 'no command plan'],
  ])('find the problem of "%s"', (line, problem) => {
    expect(commandsIn(line).map((commandLine) => complaintOf(commandLine))).toEqual([problem])
  })
})

it('every command has examples in its help', () => {
  const without = [...manifest.values()].filter(({ examples = [] }) => examples.length === 0)
  expect(without.map(({ id }) => id)).toEqual([])
})
