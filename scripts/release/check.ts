/**
 * `npm run release:check`: builds a release in `release/` twice, compares the builds, and tests
 * each channel on this machine. It publishes nothing.
 *
 *   npm run release:check -- --list          lists the steps
 *   npm run release:check -- --skip suite    runs all steps but one
 *   npm run release:check -- --only deb,man  runs some, on the products of an earlier run
 *   npm run release:check -- --require-all   fails if a step is skipped
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSteps, rebuildStep } from './check/builds.ts'
import { debStep, lintianStep } from './check/deb-channel.ts'
import { debianStep } from './check/debian.ts'
import { archiveStep, manifestStep, manStep } from './check/files.ts'
import { imageStep } from './check/image-channel.ts'
import { npmStep } from './check/npm-channel.ts'
import { offlineStep } from './check/offline.ts'
import { stepLine, summarize } from './check/report.ts'
import { runSteps, type Step } from './check/steps.ts'
import { suiteStep, workflowStep } from './check/suites.ts'
import { versionsStep } from './check/versions.ts'
import { sourceDate } from './dates.ts'
import { readProduct } from './product.ts'

const root = join(import.meta.dirname, '..', '..')

const steps: readonly Step[] = [
  debianStep,
  ...buildSteps,
  rebuildStep,
  versionsStep,
  npmStep,
  archiveStep,
  manifestStep,
  manStep,
  lintianStep,
  debStep,
  imageStep,
  offlineStep,
  workflowStep,
  suiteStep,
]

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    skip: { type: 'string', default: '' },
    'require-all': { type: 'boolean', default: false },
  },
})

function namesIn(list: string): readonly string[] {
  return list.split(',').filter((name) => name !== '')
}

async function check(): Promise<0 | 1> {
  const { version } = readProduct()
  const temporary = mkdtempSync(join(tmpdir(), 'dray-release-check-'))
  const context = { root, release: join(root, 'release'), temporary, version, date: sourceDate(root) }
  try {
    const results = await runSteps({
      steps,
      context,
      only: namesIn(values.only),
      skip: namesIn(values.skip),
      report: (result) => console.log(stepLine(result)),
      now: () => performance.now(),
    })
    const { text, exitCode } = summarize(results, values['require-all'])
    console.log(text)
    return exitCode
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

// Programs of the check that begin with "#!/usr/bin/env node" run on this Node too.
process.env['PATH'] = `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`

if (values.list) console.log(steps.map(({ name, title }) => `${name.padEnd(12)}${title}`).join('\n'))
else process.exitCode = await check()
