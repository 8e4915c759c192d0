/**
 * `npm run docs -- docs/PAGE.md …`: runs the commands of pages and writes their output into the
 * pages, as far as it changed. `test/program/docs-commands.test.ts` fails if it did.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { isShown } from '../test/support/docs/masks.ts'
import { docsRunner } from '../test/support/docs/run-page.ts'

const files = process.argv.slice(2)
const texts = files.map((file) => readFileSync(file, 'utf8'))
await using runner = await docsRunner(texts)
for (const [i, file] of files.entries()) {
  const text = texts[i] ?? ''
  const lines = text.split('\n')
  const results = await runner.run(text)
  const failed = results.filter(({ code, exit }) => code !== exit)
  for (const { command, output, code, exit } of failed) {
    process.exitCode = 1
    process.stderr.write(`${file}: "${command}" ends with ${code}, not ${exit}:\n${output.join('\n')}\n\n`)
  }
  // Digests differ from day to day. All outputs of a page come from one run, so that they agree.
  const isTrue = results.every(({ shown, output }) => shown === undefined || isShown(shown, output))
  for (const { shown, output, outputLine } of isTrue || failed.length > 0 ? [] : results.toReversed()) {
    const isElided = shown?.includes('…') === true && isShown(shown, output)
    // An empty line before the next command stays.
    const space = shown?.at(-1) === '' ? [''] : []
    if (shown !== undefined && !isElided) lines.splice(outputLine, shown.length, ...output, ...space)
  }
  const filled = lines.join('\n')
  if (filled !== text) writeFileSync(file, filled)
  process.stdout.write(`${file}: ${results.length} commands${filled === text ? '' : ', updated'}\n`)
}
