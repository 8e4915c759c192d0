import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PruneMetrics, writeMetrics } from '../../../src/cli/ci/metrics.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { parseExposition, type Sample } from '../../support/exposition.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { pruneOutcome } from '../../support/prune-outcomes.ts'
import { manifestVerdict, prunePlan, repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'
import { tempFolder } from '../../support/temp.ts'

const conflict = { code: 'conflict', message: 'it has moved' } as const
const limit = { code: 'refused', message: 'a limit would be passed' } as const
const lastSuccess = 'dray_prune_last_success_timestamp_seconds'
const monday = 1_700_000_000
const kept = tagVerdict('1.4.2', 'keep', whys.protected)
const old = (tag: string) => tagVerdict(tag, 'delete', whys.rule)

const api = repositoryPlan(
  '@dev/api',
  [kept, old('n-1'), old('n-2'), tagVerdict('pr-1', 'untag', whys.rule, { digest: digestOf('1.4.2') })],
  { others: [manifestVerdict('n-1', 'amd64', 'child')] },
)
const idle = repositoryPlan('@dev/idle', [kept])

/** The metrics of a run of a plan, which succeeds if everything was done. */
function run(plan: PrunePlan, outcome = pruneOutcome(plan)): PruneMetrics {
  const isSuccess = outcome.repositories.every(({ status }) => status === 'pruned' || status === 'unchanged')
  return { plan, outcome, durationMs: 12_500, isSuccess: isSuccess && outcome.refusals.length === 0 }
}

async function write(metrics: PruneMetrics, file?: string, at = monday): Promise<readonly Sample[]> {
  const path = file ?? join(await tempFolder(), 'dray.prom')
  await writeMetrics(path, metrics, manualClock(at * 1000))
  return parseExposition(await readFile(path, 'utf8'))
}

function valuesOf(samples: readonly Sample[], name: string): readonly number[] {
  return samples.filter((one) => one.name === name).map(({ value }) => value)
}

describe('metrics for a monitor', () => {
  it('are gauges with HELP and TYPE for each repository and for the run', async () => {
    const file = join(await tempFolder(), 'dray.prom')
    await writeMetrics(file, run(prunePlan([api, idle], { policyName: 'n' })), manualClock(monday * 1000))
    const text = await readFile(file, 'utf8')
    expect(text).toBe(
      `
# HELP dray_prune_deleted_manifests Manifests that the last run deleted.
# TYPE dray_prune_deleted_manifests gauge
dray_prune_deleted_manifests{repository="r.example.com/dev/api",policy="n"} 3
# HELP dray_prune_deleted_images Tagged images that the last run deleted.
# TYPE dray_prune_deleted_images gauge
dray_prune_deleted_images{repository="r.example.com/dev/api",policy="n"} 2
# HELP dray_prune_deleted_superseded Superseded images that the last run deleted.
# TYPE dray_prune_deleted_superseded gauge
dray_prune_deleted_superseded{repository="r.example.com/dev/api",policy="n"} 0
# HELP dray_prune_deleted_untagged Untagged manifests that the last run deleted because nothing reached them.
# TYPE dray_prune_deleted_untagged gauge
dray_prune_deleted_untagged{repository="r.example.com/dev/api",policy="n"} 0
# HELP dray_prune_untagged Tags that the last run deleted from kept images.
# TYPE dray_prune_untagged gauge
dray_prune_untagged{repository="r.example.com/dev/api",policy="n"} 1
# HELP dray_prune_freed_bytes Bytes that no remaining image refers to.
# TYPE dray_prune_freed_bytes gauge
dray_prune_freed_bytes{repository="r.example.com/dev/api",policy="n"} 209715200
# HELP dray_prune_kept_images Images that the last run kept.
# TYPE dray_prune_kept_images gauge
dray_prune_kept_images{repository="r.example.com/dev/api",policy="n"} 1
# HELP dray_prune_locked Images and tags that the registry refused to delete in the last run.
# TYPE dray_prune_locked gauge
dray_prune_locked{repository="r.example.com/dev/api",policy="n"} 0
# HELP dray_prune_conflicts Deletes that the last run skipped because the repository changed.
# TYPE dray_prune_conflicts gauge
dray_prune_conflicts{repository="r.example.com/dev/api",policy="n"} 0
# HELP dray_prune_failures Deletes of the last run that failed.
# TYPE dray_prune_failures gauge
dray_prune_failures{repository="r.example.com/dev/api",policy="n"} 0
# HELP dray_prune_refused Repositories that the last run refused or could not read.
# TYPE dray_prune_refused gauge
dray_prune_refused{policy="n"} 0
# HELP dray_prune_duration_seconds Duration of the last run.
# TYPE dray_prune_duration_seconds gauge
dray_prune_duration_seconds{policy="n"} 12.5
# HELP dray_prune_last_run_timestamp_seconds End of the last run, seconds since 1970.
# TYPE dray_prune_last_run_timestamp_seconds gauge
dray_prune_last_run_timestamp_seconds{policy="n"} 1700000000
# HELP dray_prune_last_success_timestamp_seconds End of the last run without a problem, seconds since 1970.
# TYPE dray_prune_last_success_timestamp_seconds gauge
dray_prune_last_success_timestamp_seconds{policy="n"} 1700000000
`.trimStart(),
    )
    expect(parseExposition(text)).toHaveLength(14)
  })

  it('count failures, and count undeleted images as remaining', async () => {
    const plan = prunePlan([api])
    const samples = await write(
      run(
        plan,
        pruneOutcome(plan, { '@dev/api': { m1: { result: 'conflict', error: conflict }, m2: 'failed' } }),
      ),
    )
    const [deleted, conflicts, failures, staying] = [
      'deleted_images',
      'conflicts',
      'failures',
      'kept_images',
    ].map((name) => valuesOf(samples, `dray_prune_${name}`))
    expect({ deleted, conflicts, failures, staying }).toEqual({
      deleted: [0],
      conflicts: [1],
      failures: [1],
      staying: [3],
    })
  })

  it('count deletes by the API that acted', async () => {
    const web = repositoryPlan('@dev/web', [old('n-1'), old('n-2')])
    const steps = { m1: { result: 'done', by: 'ghcr' }, m2: { result: 'done', by: 'oci' } } as const
    const plan = prunePlan([web])
    const samples = await write(run(plan, pruneOutcome(plan, { '@dev/web': steps })))
    const deletes = samples.filter(({ name }) => name === 'dray_prune_deletes')
    expect(deletes.map(({ labels, value }) => [labels['by'], value])).toEqual([
      ['ghcr', 1],
      ['oci', 1],
    ])
  })

  it('count locked items as kept, also if nothing else happened, and the run is a success', async () => {
    const web = repositoryPlan('@dev/web', [old('n-1')])
    const plan = prunePlan([web])
    const samples = await write(
      run(plan, pruneOutcome(plan, { '@dev/web': { m1: { result: 'locked', error: limit } } })),
    )
    expect(valuesOf(samples, 'dray_prune_locked')).toEqual([1])
    expect(valuesOf(samples, 'dray_prune_kept_images')).toEqual([1])
    expect(valuesOf(samples, lastSuccess)).toEqual([monday])
  })

  it('count refusals by the plan and the registry, and repositories that could not be read', async () => {
    const web = repositoryPlan('@dev/web', [old('n-1')])
    const plan = prunePlan([{ ...api, steps: [] }, web], {
      refusals: [
        { repository: api.repository, error: limit },
        { repository: { registry: 'r.example.com', path: 'dev/unread' }, error: limit },
      ],
    })
    const samples = await write(run(plan, pruneOutcome(plan, { '@dev/web': { m1: 'refused' } })))
    expect(valuesOf(samples, 'dray_prune_refused')).toEqual([3])
  })

  it('update the time of the last success only after a success', async () => {
    const file = join(await tempFolder(), 'dray.prom')
    const plan = prunePlan([api])
    const bad = run(plan, pruneOutcome(plan, { '@dev/api': { m1: 'failed' } }))
    expect(valuesOf(await write(bad, file, monday), lastSuccess)).toEqual([])
    expect(valuesOf(await write(run(plan), file, monday + 60.25), lastSuccess)).toEqual([monday + 60.25])
    for (const later of [120, 180]) {
      const samples = await write(bad, file, monday + later)
      expect(valuesOf(samples, lastSuccess)).toEqual([monday + 60.25])
      expect(valuesOf(samples, 'dray_prune_last_run_timestamp_seconds')).toEqual([monday + later])
    }
  })

  it('take no last success from another policy or an invalid line', async () => {
    const plan = prunePlan([api], { policyName: 'a"b\\c\nd' })
    const bad = run(plan, pruneOutcome(plan, { '@dev/api': { m1: 'failed' } }))
    const ours = String.raw`${lastSuccess}{policy="a\"b\\c\nd"}`
    const lines: readonly (readonly [string, readonly number[]])[] = [
      [`${ours} 17`, [17]],
      [`${ours} 17.5\r`, [17.5]],
      [`${lastSuccess}{policy="other"} 17`, []],
      [`${lastSuccess}{policy="a"} 17`, []],
      [`# ${ours} 17`, []],
      ...['', ' ', 'NaN', '+Inf', '0x11', '-17', '17 18', '1e999', 'x'].map(
        (value): readonly [string, readonly number[]] => [`${ours} ${value}`, []],
      ),
    ]
    for (const [line, expected] of lines) {
      const file = join(await tempFolder(), 'dray.prom')
      await writeFile(file, `\u0000\ufffe${line}\nmore`)
      expect(valuesOf(await write(bad, file), lastSuccess), line).toEqual([])
      await writeFile(file, `before\n${line}\nmore`)
      expect(valuesOf(await write(bad, file), lastSuccess), line).toEqual(expected)
    }
  })

  it('keep the file if its last success cannot be read after a failure', async () => {
    const folder = join(await tempFolder(), 'dray.prom')
    await mkdir(folder)
    const plan = prunePlan([api])
    const bad = run(plan, pruneOutcome(plan, { '@dev/api': { m1: 'failed' } }))
    await expect(writeMetrics(folder, bad, manualClock())).rejects.toMatchObject({ code: 'io' })
    const large = join(await tempFolder(), 'dray.prom')
    await writeFile(large, 'x'.repeat(17 * 1024 ** 2))
    await expect(writeMetrics(large, bad, manualClock())).rejects.toMatchObject({ code: 'malformed' })
    expect((await stat(large)).size).toBe(17 * 1024 ** 2)
  })

  it('omit unchanged repositories, and all of them if the whole run is refused', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => repositoryPlan(`@dev/${i}`, [kept]))
    expect(await write(run(prunePlan(many)))).toHaveLength(4)
    const whole = prunePlan(many, { refusals: [{ error: limit }] })
    const samples = await write(run(whole))
    expect(samples).toHaveLength(3)
    expect(valuesOf(samples, 'dray_prune_refused')).toEqual([3000])
    const nothingRead = await write(run(prunePlan([], { refusals: [{ error: limit }] })))
    expect(valuesOf(nothingRead, 'dray_prune_refused')).toEqual([1])
  })

  it('are parsed to the same values, whatever the names', async () => {
    const folder = await tempFolder()
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', ',', '}', '{', '=', 'a', '\r', ' ') }),
        async (path, policyName) => {
          const repository = { registry: 'r.example.com', path }
          const named = repositoryPlan('@dev/x', [old('n-1')], { repository })
          const [first] = await write(run(prunePlan([named], { policyName })), join(folder, 'dray.prom'))
          expect(first?.labels).toEqual({ repository: `r.example.com/${path}`, policy: policyName })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('are readable for everybody, whatever the umask, and leave no other file', async () => {
    const folder = await tempFolder()
    const file = join(folder, 'dray.prom')
    // A process of its own, because threads have no umask.
    const script = `
      import { writeMetrics } from ${JSON.stringify(new URL('../../../src/cli/ci/metrics.ts', import.meta.url).href)}
      process.umask(0o077)
      const plan = ${JSON.stringify(prunePlan([]))}
      const metrics = { plan, outcome: { repositories: [], refusals: [] }, durationMs: 1, isSuccess: true }
      await writeMetrics(${JSON.stringify(file)}, metrics, { now: () => 1000 })`
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
    expect((await stat(file)).mode & 0o777).toBe(0o644)
    await chmod(file, 0o600)
    await write(run(prunePlan([])), file)
    expect((await stat(file)).mode & 0o777).toBe(0o644)
    expect(await readdir(folder)).toEqual(['dray.prom'])
  })

  it('are an error if they cannot be written', async () => {
    const file = join(await tempFolder(), 'nowhere', 'dray.prom')
    await expect(writeMetrics(file, run(prunePlan([api])), manualClock())).rejects.toMatchObject({
      code: 'not-found',
      subject: file,
    })
  })
})
