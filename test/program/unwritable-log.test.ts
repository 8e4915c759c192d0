import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { dray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { type World, world } from '../support/world.ts'

const canUnshare = spawnSync('unshare', ['-rm', 'true']).status === 0

/** Disks from which the log can be read and to which it cannot be written. */
const disks: readonly { readonly name: string; readonly needs: boolean; readonly script: string }[] = [
  { name: 'that is full', needs: true, script: 'ulimit -f 0; exec "$@"' },
  {
    name: 'that is full (a real one; needs unshare)',
    needs: canUnshare,
    script: 'mount -t tmpfs -o size=4k none "$DISK" && cat /dev/zero > "$DISK/other" 2>/dev/null; exec "$@"',
  },
  {
    name: 'that is read-only (needs unshare)',
    needs: canUnshare,
    script: 'mount --bind "$DISK" "$DISK" && mount -o remount,bind,ro "$DISK" && exec "$@"',
  },
]

const writes = (requests: readonly AccessEntry[]): readonly string[] =>
  requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD').map((r) => `${r.method} ${r.path}`)

async function ready(): Promise<World> {
  return world().image('api:1.4.2').sbom().start()
}

/** A promotion between two references, which needs neither environments nor a file. */
function promotion({ staging: { host } }: World): readonly string[] {
  return ['promote', `${host}/staging/api:1.4.2`, `${host}/prod/api:1.4.2`, '--yes']
}

describe.each(disks)('a log on a disk $name', ({ needs, script }) => {
  it.skipIf(!needs)('ends the run with 1 and a hint before any write to the registry', async () => {
    const registries = await ready()
    const disk = join(await tempFolder(), 'disk')
    mkdirSync(disk)
    const log = join(disk, 'audit.jsonl')
    const under = script.includes('$DISK') ? ['unshare', '-rm'] : []
    const ended = await dray([...promotion(registries), '--attest', '--audit-file', log], {
      env: { DISK: disk },
      under: [...under, 'bash', '-c', script, 'bash'],
    })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('cannot write the audit record, and dray changes nothing more')
    expect(ended.stderr).toContain(log)
    expect(ended.stderr).toContain(
      'Free space or give this user write access, or pass another file with --audit-file.',
    )
    expect(writes(registries.staging.requests)).toEqual([])
    expect(registries.staging.requests.length).toBeGreaterThan(0)
    expect(existsSync(log) ? readFileSync(log, 'utf8') : '').toBe('')
  })
})

it('a disk that gets full during a run moves no tag, and the next run resolves the intent', async () => {
  const registries = await ready()
  const log = join(await tempFolder(), 'audit.jsonl')
  const args = [...promotion(registries), '--audit-file', log]
  // The limit leaves room for the first intent only.
  const full = await dray(args, { under: ['bash', '-c', 'ulimit -f 1; exec "$@"', 'bash'] })
  expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('dray changes nothing more') })
  const [first, ...more] = readFileSync(log, 'utf8').trimEnd().split('\n')
  expect(JSON.parse(first ?? '')).toMatchObject({ phase: 'intent', step: { kind: 'copy' } })
  expect(more).toEqual([])
  expect(writes(registries.staging.requests).length).toBeGreaterThan(0)
  expect(await registries.staging.oracle.tags('prod/api')).toEqual([])

  expect(await dray(args)).toMatchObject({ code: 0 })
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { phase: string; resolvedBy?: string })
  expect(entries.filter(({ resolvedBy }) => resolvedBy !== undefined)).toHaveLength(1)
  expect(entries.filter(({ phase }) => phase === 'intent')).toHaveLength(entries.length / 2)
})

it('a log below a file instead of a folder ends the run before any write', async () => {
  const registries = await ready()
  const file = join(await tempFolder(), 'a-file')
  writeFileSync(file, '')
  const ended = await dray([...promotion(registries), '--audit-file', join(file, 'audit.jsonl')])
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--audit-file') })
  expect(writes(registries.staging.requests)).toEqual([])
})

describe('a job without keys, configuration and a writable home', () => {
  /** `/dev/null` is not a folder, not even for root. */
  const homes: readonly Readonly<Record<string, string>>[] = [
    { HOME: '/dev/null', XDG_STATE_HOME: '/dev/null/state' },
    { HOME: '/nonexistent', XDG_STATE_HOME: '' },
    { HOME: '' },
  ]

  function phasesIn(log: string): readonly string[] {
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    return lines.map((line) => (JSON.parse(line) as { phase: string }).phase)
  }

  it.each(homes)('promotes with --audit-file and prints its path: %o', async (env) => {
    const registries = await ready()
    const folder = await tempFolder()
    const log = join(folder, 'records', 'audit.jsonl')
    const args = [...promotion(registries), '--attest', '--audit-file', 'records/audit.jsonl']
    const ended = await dray(args, { env, cwd: folder })
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(`Audit log: ${log}\n`) })
    const phases = phasesIn(log)
    expect(phases.filter((phase) => phase === 'intent').length).toBeGreaterThan(2)
    expect(phases.filter((phase) => phase === 'outcome')).toHaveLength(phases.length / 2)
    // Only the owner may read the log.
    expect(statSync(log).mode & 0o077).toBe(0)
    expect(
      await registries.staging.oracle.referrers('prod/api', registries.content('api:1.4.2').root.digest),
    ).toHaveLength(2)
  })

  it('promotes with DRAY_AUDIT_FILE', async () => {
    const registries = await ready()
    const folder = await tempFolder()
    const log = join(folder, 'audit.jsonl')
    const env = { HOME: '/dev/null', DRAY_AUDIT_FILE: log }
    const ended = await dray(promotion(registries), { env, cwd: folder })
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(`Audit log: ${log}\n`) })
    expect(phasesIn(log)).toContain('outcome')
  })

  it('changes nothing without --audit-file, and names the flag', async () => {
    const registries = await ready()
    const ended = await dray(promotion(registries), { env: { HOME: '/dev/null' }, cwd: await tempFolder() })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--audit-file') })
    expect(writes(registries.staging.requests)).toEqual([])
  })
})
