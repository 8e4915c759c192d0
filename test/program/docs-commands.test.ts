import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canMakeCertificates } from '../support/docs/hosts.ts'
import { isShown } from '../support/docs/masks.ts'
import { readPage } from '../support/docs/page.ts'
import { type DocsRunner, docsRunner, type PageResult } from '../support/docs/run-page.ts'

const root = join(import.meta.dirname, '..', '..')
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })]
  .filter((page) => page !== 'docs/commands.md')
  .map((page) => ({ page, text: readFileSync(join(root, page), 'utf8') }))
  .filter(({ text }) => readPage(text).steps.some(({ kind }) => kind === 'command'))

/** What the page claims about a command, and what is true. */
function expected({ command, shown, output, exit }: PageResult): object {
  return { command, code: exit, output: shown === undefined || isShown(shown, output) ? output : shown }
}

// Without openssl there is no certificate for the registries of the pages.
describe.skipIf(!canMakeCertificates())('the commands in the documentation', () => {
  let runner: DocsRunner
  beforeAll(async () => {
    runner = await docsRunner(pages.map(({ text }) => text))
  })
  afterAll(async () => runner[Symbol.asyncDispose]())

  it.each(pages)('do what $page shows', { timeout: 60_000 }, async ({ text }) => {
    const results = await runner.run(text)
    const actual = results.map(({ command, code, output }) => ({ command, code, output }))
    expect(actual).toEqual(results.map(expected))
  })
})
