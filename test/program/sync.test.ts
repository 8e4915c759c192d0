import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachRegistry } from '../support/each-registry.ts'
import { image, index, referrer, together } from '../support/images.ts'
import { driftOf, mirror, statesOf } from '../support/mirror.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

describeEachRegistry('dray sync', (registry) => {
  it('copies the selected tags with attached artifacts, and is in sync afterwards', async () => {
    const { oracle, from, to, ...place } = await mirror(registry(), {
      include: [{ tags: ['1.*', 'latest'] }],
    })
    const multi = index(['linux/amd64', 'linux/arm64'], { label: from })
    await oracle.push(together(multi, referrer(multi)), from, '1.0', 'latest')
    await oracle.push(image({ label: `other ${from}` }), from, 'nightly')

    const shown = await place.run('sync', '--dry-run', '--detailed-exitcode', '--json')
    expect(shown.code).toBe(2)
    expect(statesOf(driftOf(shown.stdout))).toEqual(['1.0 missing', 'latest missing'])
    expect(await oracle.tags(to)).toEqual([])

    const ended = await place.run('sync', '--yes')
    expect(ended.stderr).toContain('Audit log')
    expect(ended.code).toBe(0)
    expect(await oracle.digest(to, '1.0')).toBe(multi.root.digest)
    expect(await oracle.digest(to, 'latest')).toBe(multi.root.digest)
    expect(await oracle.digest(to, 'nightly')).toBeUndefined()
    expect(await oracle.complaints(to, '1.0')).toEqual([])
    expect(await oracle.referrers(to, multi.root.digest)).toHaveLength(1)

    const again = await place.run('sync', '--yes')
    expect(again).toMatchObject({ code: 0 })
    expect(again.stdout.trim()).toBe('In sync: 2 tags in 1 repository.')
    expect((await place.run('sync', '--dry-run', '--detailed-exitcode')).code).toBe(0)
  })

  it('copies the planned digest if the source tag moves between plan and apply', async () => {
    const { oracle, from, to, ...place } = await mirror(registry())
    const planned = image({ label: `planned ${from}` })
    await oracle.push(planned, from, '3.20')
    expect((await place.run('sync', '--out', 'plan.json')).code).toBe(0)
    await oracle.push(image({ label: `newer ${from}` }), from, '3.20')
    const shown = await place.run('plan', 'show', 'plan.json')
    expect(shown.stdout).toContain('1 image to sync')
    const applied = await place.run('apply', 'plan.json')
    expect(applied.stderr).not.toContain('error')
    expect(applied.code).toBe(0)
    expect(await oracle.digest(to, '3.20')).toBe(planned.root.digest)
    const twice = await place.run('apply', 'plan.json')
    expect(twice.code).toBe(0)
  })

  it('follows a moved tag, and reports one that another client changed as a conflict', async () => {
    const { oracle, from, to, ...place } = await mirror(registry())
    const [first, second, foreign] = ['first', 'second', 'foreign'].map((label) =>
      image({ label: `${label} ${from}` }),
    ) as [ReturnType<typeof image>, ReturnType<typeof image>, ReturnType<typeof image>]
    await oracle.push(first, from, '3.20')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    await oracle.push(second, from, '3.20')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect(await oracle.digest(to, '3.20')).toBe(second.root.digest)

    await oracle.push(foreign, to, '3.20')
    const ended = await place.run('sync', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stdout + ended.stderr).toContain('changed by another client')
    expect(await oracle.digest(to, '3.20')).toBe(foreign.root.digest)

    expect((await place.run('sync', '--yes', '--overwrite-changed')).code).toBe(0)
    expect(await oracle.digest(to, '3.20')).toBe(second.root.digest)
  })

  it('moves a changed tag back if the state of earlier runs is lost', async () => {
    const { oracle, from, to, ...place } = await mirror(registry())
    const ours = image({ label: `ours ${from}` })
    await oracle.push(ours, from, '3.20')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    await oracle.push(image({ label: `foreign ${from}` }), to, '3.20')
    const states = join(place.folder, '.local/state/dray/sync')
    for (const file of await readdir(states)) await writeFile(join(states, file), 'damaged')
    const ended = await place.run('sync', '--yes')
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain('the state of the rule hub')
    expect(await oracle.digest(to, '3.20')).toBe(ours.root.digest)
  })

  it('does not write any state in a dry run', async () => {
    const { oracle, from, ...place } = await mirror(registry())
    await oracle.push(image({ label: from }), from, '1')
    expect((await place.run('sync', '--dry-run')).code).toBe(0)
    const states = await readdir(join(place.folder, '.local/state/dray/sync')).catch(() => [])
    expect(states).toEqual([])
  })

  it('refuses a plan whose rule was changed, was removed or has another destination', async () => {
    const { oracle, from, to, ...place } = await mirror(registry())
    await oracle.push(image({ label: from }), from, '1')
    expect((await place.run('sync', '--out', 'plan.json')).code).toBe(0)
    const config = join(place.folder, 'dray.yaml')
    const before = await readFile(config, 'utf8')
    for (const [text, other] of [
      ['"hub"', '"other"'],
      ['/mirror/', '/elsewhere/'],
      ['"repositories"', '"movedTags":"keep","repositories"'],
    ] as const) {
      await writeFile(config, before.replace(text, other))
      const ended = await place.run('apply', 'plan.json')
      expect(ended.stderr).toContain('another rule')
      expect(ended.code).toBe(3)
    }
    expect(await oracle.tags(to)).toEqual([])
    await writeFile(config, before)
    expect((await place.run('apply', 'plan.json')).code).toBe(0)
  })

  it('lets one unreadable source repository fail alone, with exit code 4', async () => {
    const { oracle, from, to, ...place } = await mirror(registry())
    const config = join(place.folder, 'dray.yaml')
    const name = from.slice('up/'.length)
    const content = await readFile(config, 'utf8')
    await writeFile(config, content.replace(`["${name}"]`, `["${name}","missing-${name}"]`))
    await oracle.push(image({ label: from }), from, '1')
    const ended = await place.run('sync', '--yes')
    expect(ended.code).toBe(4)
    expect(await oracle.tags(to)).toEqual(['1'])
    const again = await place.run('sync', '--yes')
    expect(again.code).toBe(4)
  })

  it('refuses a rule that selects no tag, unless it is optional', async () => {
    const strict = await mirror(registry(), { include: [{ tags: ['none-*'] }] })
    await strict.oracle.push(image({ label: strict.from }), strict.from, '1')
    const ended = await strict.run('sync', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stderr + ended.stdout).toContain('the rule hub selects no tag')
    const optional = await mirror(registry(), { include: [{ tags: ['none-*'] }], optional: true })
    await optional.oracle.push(image({ label: optional.from }), optional.from, '1')
    expect((await optional.run('sync', '--yes')).code).toBe(0)
  })

  it('covers each destination repository in exactly one shard', async () => {
    const { oracle, from, ...place } = await mirror(registry())
    const config = join(place.folder, 'dray.yaml')
    const name = from.slice('up/'.length)
    const all = Array.from({ length: 8 }, (_, i) => `${name}-${i}`)
    const content = await readFile(config, 'utf8')
    await writeFile(config, content.replace(`["${name}"]`, JSON.stringify(all)))
    for (const one of all) await oracle.push(image({ label: one }), `up/${one}`, '1')
    const covered: string[] = []
    for (const shard of ['1/3', '2/3', '3/3']) {
      const { stdout } = await place.run('sync', '--dry-run', '--json', '--shard', shard)
      covered.push(...driftOf(stdout).drift.map(({ to }) => to.path))
    }
    expect(covered.toSorted()).toEqual(all.map((one) => `mirror/${one}`))
  })

  it('writes metrics of each rule, also in a dry run', async () => {
    const { oracle, from, ...place } = await mirror(registry())
    await oracle.push(image({ label: from }), from, '1')
    const file = join(place.folder, 'sync.prom')
    expect((await place.run('sync', '--dry-run', '--metrics', file)).code).toBe(0)
    const found = await readFile(file, 'utf8')
    expect(found).toMatch(/^dray_sync_drift\{rule="hub",state="missing"\} 1$/m)
    expect(found).toMatch(/^dray_sync_copied_bytes\{rule="hub"\} 0$/m)
    expect(found).not.toMatch(/^dray_sync_last_success_timestamp_seconds\{/m)
    expect((await place.run('sync', '--yes', '--metrics', file)).code).toBe(0)
    const text = await readFile(file, 'utf8')
    expect(text).toMatch(/^dray_sync_lag_seconds\{rule="hub"\} 0$/m)
    expect(text).toMatch(/^dray_sync_drift\{rule="hub",state="missing"\} 0$/m)
    expect(text).toMatch(/^dray_sync_copied_bytes\{rule="hub"\} \d+$/m)
    expect(text).toMatch(/^dray_sync_last_success_timestamp_seconds\{rule="hub"\} \d+/m)
    await rm(file)
  })

  it('keeps the last success of a rule in the metrics if one of its sources cannot be read', async () => {
    const { oracle, from, ...place } = await mirror(registry())
    await oracle.push(image({ label: from }), from, '1')
    const metrics = ['--metrics', join(place.folder, 'sync.prom')]
    const successIn = async (): Promise<string | undefined> =>
      /^dray_sync_last_success.*\} (.*)$/m.exec(await readFile(metrics[1] ?? '', 'utf8'))?.[1]
    expect((await place.run('sync', '--yes', ...metrics)).code).toBe(0)
    const before = await successIn()
    expect(before).toMatch(/^\d/)
    const config = join(place.folder, 'dray.yaml')
    const name = from.slice('up/'.length)
    const content = await readFile(config, 'utf8')
    await writeFile(config, content.replace(`["${name}"]`, `["${name}","missing-${name}"]`))
    expect((await place.run('sync', '--yes', ...metrics)).code).toBe(4)
    expect(await successIn()).toBe(before)
  })
})

describe('dray sync --delete', () => {
  const exclusive = { delete: { exclusive: true } }

  async function withExtra(registry: Awaited<ReturnType<typeof watchedRegistry>>, rule: object = exclusive) {
    const place = await mirror(registry, rule)
    const { oracle, from, to } = place
    await oracle.push(image({ label: `kept ${from}` }), from, 'kept')
    await oracle.push(image({ label: `gone ${from}` }), from, 'gone')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
    return place
  }

  it('shows extra tags always, and deletes them only with the flag', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await withExtra(registry)
    await oracle.delete(from, 'gone')
    const shown = await place.run('sync', '--dry-run', '--detailed-exitcode', '--json')
    expect(statesOf(driftOf(shown.stdout))).toEqual(['gone extra'])
    expect(shown.code).toBe(2)
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
    await oracle.push(image({ label: `more ${from}` }), from, 'more')
    const ended = await place.run('sync', '--yes', '--delete')
    expect(ended.stderr).not.toContain('error')
    expect(ended.code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['kept', 'more'])
    const records = (await readFile(place.auditFile, 'utf8')).trim().split('\n')
    const deletes = records.filter((line) => line.includes('"deleteManifest"'))
    expect(deletes).toHaveLength(2)
    for (const line of deletes) expect(JSON.parse(line)).toMatchObject({ rule: 'hub' })
    await oracle.push(image({ label: `last ${from}` }), from, 'last')
    const idle = await place.run('sync', '--yes', '--delete')
    expect(idle.stdout).toContain('1 synced')
    expect(idle.stdout).not.toMatch(/delete/i)
    expect(await oracle.complaints(to, 'kept')).toEqual([])
  })

  it('executes the deletes of a saved plan after its copies', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await withExtra(registry)
    await oracle.delete(from, 'gone')
    await oracle.push(image({ label: `new ${from}` }), from, 'new')
    expect((await place.run('sync', '--delete', '--out', 'plan.json')).code).toBe(0)
    expect((await place.run('plan', 'show', 'plan.json')).stdout).toContain('Deletes')
    const ended = await place.run('apply', 'plan.json')
    expect(ended.stderr).not.toContain('error')
    expect(ended.code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['kept', 'new'])
  })

  it('deletes nothing if the source is empty, absent or lists fewer tags than expected', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await withExtra(registry, {
      delete: { exclusive: true, limits: { maxPercent: 10 } },
      optional: true,
    })
    await oracle.delete(from, 'gone')
    await place.run('sync', '--yes', '--delete')
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
    await oracle.delete(from, 'kept')
    await place.run('sync', '--yes', '--delete')
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
  })

  it('keeps an extra tag during the grace period, which counts from the first run', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await withExtra(registry, {
      delete: { exclusive: true, gracePeriod: '7d' },
    })
    await oracle.delete(from, 'gone')
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
    const states = join(place.folder, '.local/state/dray/sync')
    const [file = ''] = await readdir(states)
    const path = join(states, file)
    const state = JSON.parse(await readFile(path, 'utf8')) as { absentSince: [string, number][] }
    expect(state.absentSince).toEqual([['gone', expect.any(Number)]])
    state.absentSince = state.absentSince.map(([tag, since]) => [tag, since - 8 * 86_400_000])
    await writeFile(path, JSON.stringify(state), { mode: 0o600 })
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['kept'])
  })

  it('counts an extra tag that waits in the metrics, and none that it has deleted', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await withExtra(registry, {
      delete: { exclusive: true, gracePeriod: '7d' },
    })
    await oracle.delete(from, 'gone')
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    const states = join(place.folder, '.local/state/dray/sync')
    const [file = ''] = await readdir(states)
    const state = await readFile(join(states, file), 'utf8')
    await writeFile(join(states, file), state.replace(/(\["gone",)\d+/, '$11'), { mode: 0o600 })
    await oracle.push(image({ label: `young ${from}` }), to, 'young')
    const metrics = join(place.folder, 'sync.prom')
    expect((await place.run('sync', '--yes', '--delete', '--metrics', metrics)).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['kept', 'young'])
    const text = await readFile(metrics, 'utf8')
    expect(text).toMatch(/^dray_sync_drift\{rule="hub",state="extra"\} 1$/m)
    expect(text).not.toContain('dray_sync_last_success_timestamp_seconds{')
  })

  it('is a mistake if no rule of the run deletes', async () => {
    await using registry = await watchedRegistry()
    const place = await mirror(registry)
    expect(await place.run('sync', '--delete')).toMatchObject({ code: 64 })
  })
})

describe('the gates of a rule', () => {
  const gates = [{ name: 'has-sbom', sbom: {} }]

  it('refuse an image, in the plan and when a saved plan is applied', async () => {
    await using registry = await watchedRegistry()
    const place = await mirror(registry, { gates })
    await registry.oracle.push(image({ label: place.from }), place.from, '1')
    const ended = await place.run('sync', '--yes')
    expect(ended.stdout + ended.stderr).toContain('has-sbom')
    expect(ended.code).toBe(3)
    expect(await registry.oracle.tags(place.to)).toEqual([])

    const config = join(place.folder, 'dray.yaml')
    const gated = await readFile(config, 'utf8')
    const written = JSON.parse(gated) as { sync: { gates?: unknown }[] }
    for (const rule of written.sync) delete rule.gates
    await writeFile(config, JSON.stringify(written))
    expect((await place.run('sync', '--out', 'plan.json')).code).toBe(0)
    await writeFile(config, gated)
    expect((await place.run('apply', 'plan.json')).code).toBe(3)
    expect(await registry.oracle.tags(place.to)).toEqual([])
  })
})

describe('the audit log of a sync', () => {
  it('names the operation and the rule, and can be filtered by the operation', async () => {
    await using registry = await watchedRegistry()
    const place = await mirror(registry)
    await registry.oracle.push(image({ label: place.from }), place.from, '1')
    expect((await place.run('sync', '--yes', '--reason', 'nightly')).code).toBe(0)
    const records = (await readFile(place.auditFile, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { operation: string; rule?: string; phase: string })
    expect(new Set(records.map(({ operation }) => operation))).toEqual(new Set(['sync']))
    expect(new Set(records.map(({ rule }) => rule))).toEqual(new Set(['hub']))
    const log = await place.run('audit', 'log', '--operation', 'sync', '--json')
    expect(log.code).toBe(0)
    expect(log.stdout).toContain('"sync"')
    expect((await place.run('audit', 'verify')).code).toBe(0)
  })
})

describe('dray sync --import and --print-job', () => {
  it('write rules and a job, and read no registry', async () => {
    const place = await warmWorkplace(JSON.stringify({ version: 1 }))
    await writeFile(
      join(place.folder, 'regsync.yml'),
      'version: 1\nsync:\n  - { source: docker.io/library/alpine, target: mirror.example.com/alpine, type: repository }\n',
    )
    const imported = await place.run('sync', '--import', 'regsync.yml')
    expect(imported.code).toBe(0)
    expect(imported.stdout).toContain('sync:')
    const job = await place.run('sync', '--print-job', 'kubernetes', '--shards', '2')
    expect(job.code).toBe(0)
    expect(job.stdout).toContain('kind: CronJob')
  })
})

describe('dray sync --verify', () => {
  it('finds and repairs damaged content of images whose tags are in sync', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await mirror(registry)
    const content = image({ label: `damaged ${from}` })
    await oracle.push(content, from, '1')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect((await place.run('sync', '--dry-run', '--verify', '--detailed-exitcode')).code).toBe(0)
    const [layer = ''] = [...content.blobs.keys()]
    await oracle.deleteBlob(to, layer)
    expect(await oracle.complaints(to, '1')).not.toEqual([])
    expect((await place.run('sync', '--dry-run', '--detailed-exitcode')).code).toBe(0)

    const shown = await place.run('sync', '--dry-run', '--verify', '--detailed-exitcode', '--json')
    expect(shown.code).toBe(2)
    expect(statesOf(driftOf(shown.stdout))).toEqual(['1 damaged'])
    expect((await place.run('sync', '--yes', '--verify')).code).toBe(0)
    expect(await oracle.complaints(to, '1')).toEqual([])
  })
})

describe('dray sync to an environment', () => {
  it('follows promoteFrom, so that it cannot bypass a promotion', async () => {
    await using registry = await watchedRegistry()
    const environments = {
      staging: { registry: registry.host, path: 'staging/{image}' },
      prod: { registry: registry.host, path: 'prod/{image}', promoteFrom: ['staging'] },
    }
    const byPath = await mirror(registry, { to: `${registry.host}/prod/{repository}` }, { environments })
    const byName = await mirror(registry, { to: '@prod' }, { environments })
    for (const place of [byPath, byName]) {
      await registry.oracle.push(image({ label: place.from }), place.from, '1')
      const ended = await place.run('sync', '--yes')
      expect(ended.stderr + ended.stdout).toContain('promoteFrom')
      expect(ended.code).not.toBe(0)
      expect(await registry.oracle.tags(`prod/${place.from.slice('up/'.length)}`)).toEqual([])
    }
    const allowed = await mirror(registry, { from: '@staging', to: '@prod' }, { environments })
    const name = allowed.from.slice('up/'.length)
    await registry.oracle.push(image({ label: name }), `staging/${name}`, '1')
    expect((await allowed.run('sync', '--yes')).code).toBe(0)
    expect(await registry.oracle.tags(`prod/${name}`)).toEqual(['1'])
  })

  it('requires the justification of the environment', async () => {
    await using registry = await watchedRegistry()
    const environments = { prod: { registry: registry.host, path: 'prod/{image}', require: ['reason'] } }
    const place = await mirror(registry, { to: '@prod' }, { environments })
    await registry.oracle.push(image({ label: place.from }), place.from, '1')
    expect((await place.run('sync', '--yes')).code).toBe(3)
    expect((await place.run('sync', '--yes', '--reason', 'nightly')).code).toBe(0)
  })

  it('selects all rules of an environment with --to', async () => {
    await using registry = await watchedRegistry()
    const environments = { prod: { registry: registry.host, path: 'prod/{image}' } }
    const place = await mirror(registry, { to: '@prod' }, { environments })
    await registry.oracle.push(image({ label: place.from }), place.from, '1')
    expect((await place.run('sync', '--to', '@prod', '--dry-run', '--json')).code).toBe(0)
    const other = await mirror(registry, {}, { environments })
    const ended = await other.run('sync', '--to', 'prod')
    expect(ended.code).toBe(64)
    expect(ended.stderr).toContain('no rule has')
  })

  it('names the missing section if dray.yaml has no rule', async () => {
    const place = await warmWorkplace(JSON.stringify({ version: 1 }))
    const ended = await place.run('sync')
    expect(ended.code).toBe(64)
    expect(ended.stderr).toContain('there is no rule to sync')
    expect(ended.stderr).toContain('Add a rule under `sync:`')
  })
})
