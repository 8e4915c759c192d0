import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compareFolders } from '../../../scripts/release/check/builds.ts'
import { run } from '../../../scripts/release/check/program.ts'
import { stepLine, summarize } from '../../../scripts/release/check/report.ts'
import {
  type CheckContext,
  runSteps,
  type Step,
  type StepResult,
} from '../../../scripts/release/check/steps.ts'
import { expectVersion } from '../../../scripts/release/check/versions.ts'
import { tempFolder } from '../../support/temp.ts'

const context: CheckContext = { root: '', release: '', temporary: '', version: '1.4.0', date: 0 }

/** A step that succeeds, or fails with its name. */
function step(name: string, outcome: 'ok' | 'fails' = 'ok', more: Partial<Step> = {}): Step {
  return {
    name,
    title: `about ${name}`,
    run: () => (outcome === 'ok' ? Promise.resolve('fact') : Promise.reject(new Error(`${name} is wrong`))),
    ...more,
  }
}

async function results(
  steps: readonly Step[],
  { only = [], skip = [] }: { only?: readonly string[]; skip?: readonly string[] } = {},
): Promise<readonly string[]> {
  const reported: StepResult[] = []
  const all = await runSteps({
    steps,
    context,
    only,
    skip,
    report: (result) => reported.push(result),
    hasProgram: (name) => name !== 'absent',
    now: () => 0,
  })
  expect(reported).toEqual(all)
  return all.map(({ name, result, detail }) => `${name} ${result} ${detail}`)
}

describe('the steps of release:check', () => {
  it('continue after a failure, and skip the steps that need the failed one', async () => {
    const steps = [step('a', 'fails'), step('b', 'ok', { after: ['a'] }), step('c')]
    expect(await results(steps)).toEqual(['a failed a is wrong', 'b skipped needs a', 'c ok fact'])
  })

  it('are skipped with the name of a missing program', async () => {
    expect(await results([step('a', 'ok', { programs: ['present', 'absent'] })])).toEqual([
      'a skipped absent not installed',
    ])
  })

  it('run on the products of an earlier run', async () => {
    const steps = [step('a', 'fails'), step('b', 'ok', { after: ['a'] })]
    expect(await results(steps, { only: ['b'] })).toEqual(['b ok fact'])
    expect(await results(steps, { skip: ['a'] })).toEqual(['b ok fact'])
  })

  it('refuse an unknown name', async () => {
    await expect(results([step('a')], { skip: ['b'] })).rejects.toThrow('no step is named b')
  })
})

describe('the report of release:check', () => {
  const [ok, failed, skipped] = (['ok', 'failed', 'skipped'] as const).map((result): StepResult => ({
    name: result,
    title: 'title',
    result,
    detail: 'one\ntwo',
    seconds: 1.25,
  })) as [StepResult, StepResult, StepResult]

  it('has a line for each step with its time, and the error of a failed one', () => {
    expect(stepLine({ ...ok, detail: '' })).toBe('ok      ok              1.3 s  title')
    expect(stepLine(failed)).toBe('FAILED  failed          1.3 s  title\n    one\n    two')
    expect(stepLine({ ...skipped, detail: 'needs a' })).toBe('skipped skipped         1.3 s  title (needs a)')
  })

  it.each([
    [[ok], false, 0, '1 passed, 0 failed, 0 skipped'],
    [[ok, failed], false, 1, '1 passed, 1 failed (failed), 0 skipped'],
    [[ok, skipped], false, 0, '1 passed, 0 failed, 1 skipped (skipped)'],
    [[ok, skipped], true, 1, '1 passed, 0 failed, 1 skipped (skipped)'],
    [[], false, 1, '0 passed, 0 failed, 0 skipped'],
  ])('ends with a summary and an exit code (%#)', (all, requiresAll, exitCode, text) => {
    expect(summarize(all, requiresAll)).toEqual({ text: `release:check: ${text}`, exitCode })
  })
})

describe('the comparison of two builds', () => {
  it('names files that differ or that only one build has', async () => {
    const [one, other] = [await tempFolder(), await tempFolder()]
    for (const folder of [one, other]) {
      mkdirSync(join(folder, 'image'))
      writeFileSync(join(folder, 'image', 'same'), 'a')
    }
    expect(compareFolders(one, other)).toBe(1)
    writeFileSync(join(one, 'image', 'same'), 'b')
    writeFileSync(join(other, 'more'), 'c')
    expect(() => compareFolders(one, other)).toThrow('these files differ:\nimage/same\nmore')
  })
})

describe('a program of the check', () => {
  it('fails with the end of its output', async () => {
    const script = 'console.log("a\\n".repeat(30) + "last"); process.exitCode = 3'
    const error = await run(process.execPath, ['-e', script]).catch(String)
    expect(error).toMatch(/ended with 3\n(?:a\n){14}last$/)
  })

  it('prints the version with its host, and nothing else', async () => {
    const printing = (text: string): readonly string[] => [
      '-e',
      `process.stdout.write(${JSON.stringify(text)})`,
      '--',
    ]
    const line = 'dray/1.4.0 linux-x64 node-v24.21.0\n'
    expect(await expectVersion(process.execPath, printing(line), 'node', context)).toBe(line.trim())
    for (const wrong of [`${line}x`, line.replace('1.4.0', '1.4.1'), line.replace('node-v', 'bun-')])
      await expect(expectVersion(process.execPath, printing(wrong), 'node', context)).rejects.toThrow(
        '--version prints',
      )
  })
})
