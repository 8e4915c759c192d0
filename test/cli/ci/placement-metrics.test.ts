import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writePlacementMetrics } from '../../../src/cli/ci/placement-metrics.ts'
import type { Sample } from '../../support/exposition.ts'
import { parseExposition } from '../../support/exposition.ts'
import { gateResult } from '../../support/gates/gate-results.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { type MetricRun, metricRun } from '../../support/metrics/placement-runs.ts'
import { tempFolder } from '../../support/temp.ts'

const monday = 1_700_000_000
const api = { environment: 'prod', repository: 'r.example.com/prod/api' }

async function write(run: MetricRun, file?: string, at = monday): Promise<readonly Sample[]> {
  const path = file ?? join(await tempFolder(), 'dray.prom')
  await writePlacementMetrics(path, metricRun(run), manualClock(at * 1000))
  return parseExposition(await readFile(path, 'utf8'))
}

const samplesOf = (samples: readonly Sample[], name: string): readonly Sample[] =>
  samples.filter((one) => one.name === `dray_promote_${name}`)
const valuesOf = (samples: readonly Sample[], name: string): readonly number[] =>
  samplesOf(samples, name).map(({ value }) => value)

describe('metrics of promotions', () => {
  it('count the images of each repository by their result, also those that are 0', async () => {
    const samples = await write({
      images: [
        { name: 'api', status: 'promoted', moved: 2, bytes: 300 },
        { name: 'api', status: 'unchanged' },
        { name: 'web', status: 'conflict', bytes: 20 },
      ],
    })
    const images = samplesOf(samples, 'images').map(({ labels, value }) => [labels, value])
    expect(images.slice(0, 6)).toEqual([
      [{ ...api, result: 'done' }, 1],
      [{ ...api, result: 'unchanged' }, 1],
      [{ ...api, result: 'refused' }, 0],
      [{ ...api, result: 'conflict' }, 0],
      [{ ...api, result: 'failed' }, 0],
      [{ ...api, result: 'notAttempted' }, 0],
    ])
    expect(images).toHaveLength(12)
    expect(valuesOf(samples, 'moved_tags')).toEqual([2, 0])
    expect(valuesOf(samples, 'copied_bytes')).toEqual([300, 20])
    expect(valuesOf(samples, 'duration_seconds')).toEqual([12.5, 12.5])
    expect(valuesOf(samples, 'last_run_timestamp_seconds')).toEqual([monday, monday])
  })

  it('count gates that refused an image, and gates that a person overrode', async () => {
    const gates = (...effects: readonly ('none' | 'refused' | 'overridden' | 'warned')[]) =>
      effects.map((effect) => gateResult({ effect }))
    const samples = await write({
      images: [
        { name: 'api', status: 'refused', gates: gates('refused', 'refused', 'none') },
        { name: 'api', status: 'promoted', gates: gates('overridden', 'warned') },
      ],
    })
    expect(valuesOf(samples, 'gate_failures')).toEqual([2])
    expect(valuesOf(samples, 'gate_overrides')).toEqual([1])
  })

  it('count an image that is refused before its target is known', async () => {
    const samples = await write({ images: [], refused: ['gone:1', 'gone:2'] })
    expect(samplesOf(samples, 'images').map(({ labels, value }) => [labels, value])).toEqual([
      [{ environment: '', repository: '', result: 'refused' }, 2],
    ])
  })

  it('keep the last success of a repository over failures and over runs without it', async () => {
    const file = join(await tempFolder(), 'dray.prom')
    const success = (samples: readonly Sample[]) =>
      samplesOf(samples, 'last_success_timestamp_seconds').map(({ labels, value }) => [
        labels['repository'],
        value - monday,
      ])
    const run = async (at: number, name: string, status: 'promoted' | 'unchanged' | 'failed') =>
      success(await write({ images: [{ name, status }] }, file, monday + at))
    expect(await run(0, 'api', 'failed')).toEqual([])
    expect(await run(1.5, 'api', 'promoted')).toEqual([['r.example.com/prod/api', 1.5]])
    expect(await run(2, 'api', 'failed')).toEqual([['r.example.com/prod/api', 1.5]])
    expect(await run(3, 'web', 'unchanged')).toEqual([
      ['r.example.com/prod/api', 1.5],
      ['r.example.com/prod/web', 3],
    ])
    expect(success(await write({ images: [], refused: ['x:1'] }, file, monday + 4))).toHaveLength(2)
  })

  it('have the names of the operation', async () => {
    const names = new Set(
      (await write({ operation: 'rollback', images: [{ name: 'api', status: 'rolledBack' }] })).map(
        ({ name }) => name,
      ),
    )
    expect([...names].filter((name) => !name.startsWith('dray_rollback_'))).toEqual([])
  })

  it('take nothing from damaged lines, and keep a file that cannot be read', async () => {
    const file = join(await tempFolder(), 'dray.prom')
    const name = 'dray_promote_last_success_timestamp_seconds'
    await writeFile(
      file,
      `${name}{evil} 1\n${name}{environment="a",repository="b",x="c"} 1\n${name}{environment="a",repository="b"} 1\n`,
    )
    expect(valuesOf(await write({ images: [] }, file), 'last_success_timestamp_seconds')).toEqual([1])
    const folder = join(await tempFolder(), 'folder')
    await mkdir(folder)
    await expect(write({ images: [] }, folder)).rejects.toMatchObject({ code: 'io' })
  })
})
