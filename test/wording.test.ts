import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { consoleOutputOf, textsOf, proseOf, type ReadableText } from './support/readable-texts.js'

const root = join(import.meta.dirname, '..')

type Term = readonly [words: RegExp, instead: string]

/**
 * Words that earlier texts used with a meaning of their own, and the terms that replace them. A
 * space in a pattern also matches the end of a line.
 */
const replacedTerms: readonly Term[] = [
  [/\bpieces?\b|\bthings?\b/, 'image, artifact'],
  [/\baddress(?:es)? of (?:an?|the|each|its|another) (?:image|artifact|repository|tag)\b/, 'reference'],
  [/\b(?:image|source|target) address(?:es)?\b/, 'reference'],
  [/(?<!\bin )\bplaces? (?:of|for) (?:an?|the|each) (?:image|artifact|tag|copy)\b/, 'reference, repository'],
  [/\b(?:so|level) already\b|\balready (?:so|level)\b|\b(?:all|are|is) level\b/, 'up to date, in sync'],
  [/\balready there\b|\bthere already\b/, 'already present'],
  [/\bput(?:s|ting)? on (?:the|an|this|that) image\b/, 'new'],
  [/\bmarkers?\b|\bunmarked\b/, 'current-version tag'],
  [/\brules of the rules\b/, 'retention policy, rule, protection'],
  [/\b(?:spared|dies|doom(?:s|ed)?)\b|\bspares? (?:an?|the|it|this|that)\b/, 'keep, delete, untag'],
  [/\b(?:hold|holds|held|holding) back\b/, 'keep, protect'],
  [/\bwhat (?:runs|is running|still runs)\b/, 'in use'],
  [/\b(?:fates?|condemn(?:s|ed)?|survivors?)\b/, 'live set, garbage, verdict'],
  [/\blook(?:s|ed|ing)? (?:again|twice|at|for|into)\b/, 'check, search, rescan'],
  [/\blookouts?\b|\b(?:an?|one|another|second|last) look\b/, 'check, watcher'],
  [/\bworld (?:has )?moved\b|\b(?:late ?)?comers?\b/, 'conflict, precondition'],
  [/\b(?:in|into|from|on|for) (?:the|the whole) record\b(?! (?:of|before|after|that))/, 'audit log'],
  [/\bthe record (?:says|shows)\b|\bstor(?:y|ies)\b/, 'audit log, audit record'],
  [/\bstatements? of (?:the|this|a|each) promotion\b/, 'attestation'],
  [/\brights\b|\b(?:access|push|pull|read|write|delete) right\b|\bthe right to\b/, 'permission, scope'],
  [/\bwhat (?:was|is|were|are) found\b/, 'credentials'],
  [/\b(?:go|goes|went|going|gone) on\b/, 'continue, resume'],
  [/\btries\b|\b(?:an?|one|first|second|last|each|every|per|another) try\b/, 'attempt, retry'],
  [/\b(?:try|tried|trying) (?:it )?(?:again|once more|twice|…|\d+ times)/, 'attempt, retry'],
  [/\b(?:rooms|houses?|floors?)\b|\b(?:which|whose|this) room\b|\bwho may import whom\b/, 'module, layer'],
  [/\bthe way (?:from|through|of|into)\b/, 'pipeline'],
  [/\bwords? of (?:the|a) command\b|\bcommand words?\b/, 'arguments, options'],
  [/\b(?:by|on) (?:this|that|another|the same) route\b/, 'option, method'],
  [/\bgrounds\b/, 'justification'],
  [/\btell(?:s|ing)?\b|\btold\b/, 'log, report, show, notify'],
  [/\b(?:left|leave|leaves|leaving)(?: \w+){0,3} (?:out|behind|over|alone)\b/, 'skip, omit'],
  [/\bleft-?overs?\b/, 'orphaned'],
  [/\b(?:nobody|no one|no-one)\b/, 'non-interactive, no other user'],
]

/** Flags, JSON and code call attached artifacts `evidence`, and the glossary defines it. */
const evidence: Term = [/(?<![*-])\bevidence\b(?![*-]| flags)/, 'attached artifact']

/** Phrases that make a reader notice the prose. */
const privateStyle: readonly Term[] = [
  [/,\s+where\b|\bwhere (?:it|they|that|this|there|possible|needed|necessary|no|not)\b/, 'if, when'],
  [/\b(?:is|are|was|were|be) so(?=[.,;:)]|$)|\b(?:if|unless) so(?=[.,;:])/, 'a full condition'],
  [/\bas (?:it|they) (?:is|are|was|were)\b(?! \w+(?:ed|en|t|ad)\b)/, 'unchanged'],
  [/\bcome what may\b|\ball the same\b|\bsuch as (?:it|they) (?:is|are)\b/, 'always, anyway'],
  [/(?<=^|[.!|] |\n|\n\n)(?-i:What)(?:ever)? (?![^.\n]*\?)/, 'a sentence with a subject'],
  [/(?-i:Whoever)\b|\bwhatever (?!a registry)/, 'a sentence with a subject'],
  [/\bor else\b|, else\b/, 'otherwise, or'],
  [/\b(?:some|any)body\b|\bsomeone\b/, 'a user, another client'],
  [/\b(?:go|goes|going) ahead\b/, 'confirm, continue'],
  [/\blives? and dies?\b/, 'a plain sentence'],
  [/\bthe same holds\b|\b(?:rule|this) holds for\b/, 'applies to'],
  [/\bmay be given (?:several times|more than once)\b/, '(repeatable)'],
  [/(?<!\bto )\bdo:(?=\s)(?!\s+(?:promote|sync)\b)/, 'fix:'],
]

function compile([{ source }, instead]: Term): readonly [pattern: RegExp, instead: string] {
  const anySpace = String.raw`(?:[ \t]+|[ \t]*\n[ \t]*)`
  return [new RegExp(source.replaceAll(' ', anySpace), 'gi'), instead]
}

const inComments = [...replacedTerms, ...privateStyle].map(compile)
const inTexts = [...inComments, compile(evidence)]

/**
 * One line for each term in a text: its file, its line, the words around it, and the term to use.
 */
function findings(file: string, { text, line }: ReadableText, terms = inTexts): readonly string[] {
  return terms.flatMap(([pattern, instead]) =>
    [...text.matchAll(pattern)].map(({ 0: words, index }) => {
      const at = line + text.slice(0, index + words.search(/\S/)).split('\n').length - 1
      const before = text.slice(Math.max(0, index - 30), index)
      const after = text.slice(index + words.length, index + words.length + 30)
      const excerpt = `${before}[${words.trim()}]${after}`.replaceAll(/\s+/g, ' ')
      return `${file}:${at}: ${excerpt}  ->  ${instead}`
    }),
  )
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

const topPages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']
const pages = [...topPages, ...globSync('docs/**/*.md', { cwd: root }).toSorted()]
const sources = globSync('src/**/*.ts', { cwd: root })
  .toSorted()
  .map((file) => ({ file, ...textsOf(read(file)) }))

describe('the terms of texts', () => {
  it('pages use the terms of the field', () => {
    const found = pages.flatMap((page) => findings(page, proseOf(read(page))))
    expect(pages.length).toBeGreaterThan(70)
    expect(found.join('\n')).toBe('')
  })

  it('output on pages uses the terms of the field', () => {
    const found = pages.flatMap((page) => findings(page, consoleOutputOf(read(page))))
    expect(found.join('\n')).toBe('')
  })

  it('help, messages, prompts and reports use the terms of the field', () => {
    const found = sources.flatMap(({ file, literals }) =>
      literals.flatMap((literal) => findings(file, literal)),
    )
    expect(sources.length).toBeGreaterThan(600)
    expect(found.join('\n')).toBe('')
  })

  it.each(['schema/dray.schema.json', 'package.json'])('%s uses the terms of the field', (file) => {
    const text = read(file).replaceAll('"marker"', '')
    expect(findings(file, { text, line: 1 }).join('\n')).toBe('')
  })

  it('comments use the terms of the field', () => {
    const found = sources.flatMap(({ file, comments }) => findings(file, comments, inComments))
    expect(found.join('\n')).toBe('')
  })
})

describe('the check of terms', () => {
  it.each([
    ['2 pieces of evidence', 'attached artifact'],
    ['api is level in prod', 'in sync'],
    ['the copy goes on', 'resume'],
    ['The blob is\nalready there.', 'already present'],
    ['one artifact was left\n  behind', 'skip'],
    ['It leaves the other tags alone.', 'skip'],
    ['after the third of 3 tries', 'attempt'],
    ['nobody can be asked', 'non-interactive'],
    ['dray retries, where it can', 'if, when'],
    ['What is so already is not written again.', 'up to date'],
    ['Copied. What the source lacks is deleted.', 'a sentence with a subject'],
    ['  do: Pass --yes.', 'fix:'],
  ])('finds a term in "%s"', (text, instead) => {
    expect(findings('x', { text, line: 1 })).toContainEqual(expect.stringContaining(instead))
  })

  it.each([
    'Nothing to do: no record was changed.',
    '{ do: promote, to: prod }',
    'The folder where dray keeps its state.',
    '| What does a command print? | the renderer |',
    'Pass --no-evidence or --evidence-conflict replace.',
    'Each record has the hash of the record before it.',
    'dray retries after 503. It leaves an incomplete line.',
  ])('accepts "%s"', (text) => {
    expect(findings('x', { text, line: 1 })).toEqual([])
  })

  it('names the file, the line and the words around a term', () => {
    expect(findings('a.md', { text: 'One tag.\n\nThe image\nis spared by a rule.', line: 1 })).toEqual([
      'a.md:4: One tag. The image is [spared] by a rule.  ->  keep, delete, untag',
    ])
  })

  it('reads the literals of a source, and no names and comments', () => {
    const source = [
      "import x from 'what runs'",
      "// the fate of 'what runs'",
      "const a = { 'what runs': `left\\nbehind by ${x ? 'no story here' : ''}` }",
      "const b = 'is ' + x +",
      "  ' level'",
    ].join('\n')
    expect(textsOf(source).literals).toEqual([
      { text: 'left\nbehind by …', line: 3 },
      { text: 'no story here', line: 3 },
      { text: 'is … level', line: 4 },
    ])
  })

  it('reads prose and output of a page on their lines', () => {
    const page = ['Prose `code` [link](what-runs.md)', '```console', '$ dray ls', '```', 'end'].join('\n')
    expect(proseOf(page).text.split('\n')).toEqual(['Prose `…` [link]', '', '', '', 'end'])
    expect(consoleOutputOf(page).text.split('\n')).toEqual(['', '', '$ dray ls', ''])
  })

  it('reads the comments of a source on their lines', () => {
    const source = ['/**', ' * The fate', ' * of `x`.', ' */', "const a = 'x' // why"].join('\n')
    expect(textsOf(source).comments.text.split('\n')).toEqual(['', 'The fate', 'of `…`.', '', 'why'])
  })
})
