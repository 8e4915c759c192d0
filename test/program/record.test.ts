import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { dray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { type World, world } from '../support/world.ts'

const canUnshare = spawnSync('unshare', ['-rm', 'true']).status === 0

/** A disk on which the log can be read and not be written, in one way or another. */
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

/** Two addresses: neither environments nor a file are needed. */
function addresses({ staging: { host } }: World): readonly string[] {
  return ['promote', `${host}/staging/api:1.4.2`, `${host}/prod/api:1.4.2`, '--yes']
}

describe.each(disks)('a log on a disk $name', ({ needs, script }) => {
  it.skipIf(!needs)(
    'lets nothing be changed: exit 1, no write at the registry, and what to do is said',
    async () => {
      const here = await ready()
      const disk = join(await tempFolder(), 'disk')
      mkdirSync(disk)
      const log = join(disk, 'audit.jsonl')
      const under = script.includes('$DISK') ? ['unshare', '-rm'] : []
      const ended = await dray([...addresses(here), '--attest', '--audit-file', log], {
        env: { DISK: disk },
        under: [...under, 'bash', '-c', script, 'bash'],
      })
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toContain('the audit record cannot be written, so nothing more is changed')
      expect(ended.stderr).toContain(log)
      expect(ended.stderr).toContain(
        'Make room or give write access, or name another file with --audit-file.',
      )
      expect(writes(here.staging.requests)).toEqual([])
      expect(here.staging.requests.length).toBeGreaterThan(0)
      expect(existsSync(log) ? readFileSync(log, 'utf8') : '').toBe('')
    },
  )
})

it('a log that finds no more room in the middle of a run moves no tag, and the next run tells what became of it', async () => {
  const here = await ready()
  const log = join(await tempFolder(), 'audit.jsonl')
  const words = [...addresses(here), '--audit-file', log]
  // room for the first intent, and for no more
  const full = await dray(words, { under: ['bash', '-c', 'ulimit -f 1; exec "$@"', 'bash'] })
  expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing more is changed') })
  const [first, ...more] = readFileSync(log, 'utf8').trimEnd().split('\n')
  expect(JSON.parse(first ?? '')).toMatchObject({ phase: 'intent', step: { kind: 'copy' } })
  expect(more).toEqual([])
  expect(writes(here.staging.requests).length).toBeGreaterThan(0)
  expect(await here.staging.oracle.tags('prod/api')).toEqual([])

  expect(await dray(words)).toMatchObject({ code: 0 })
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { phase: string; resolvedBy?: string })
  expect(entries.filter(({ resolvedBy }) => resolvedBy !== undefined)).toHaveLength(1)
  expect(entries.filter(({ phase }) => phase === 'intent')).toHaveLength(entries.length / 2)
})

it('a log in a place that is no folder lets nothing be changed', async () => {
  const here = await ready()
  const file = join(await tempFolder(), 'a-file')
  writeFileSync(file, '')
  const ended = await dray([...addresses(here), '--audit-file', join(file, 'audit.jsonl')])
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--audit-file') })
  expect(writes(here.staging.requests)).toEqual([])
})

describe('a job without keys, configuration and a home that can be written', () => {
  /** `/dev/null` is no folder for anyone, root too. */
  const homes: readonly Readonly<Record<string, string>>[] = [
    { HOME: '/dev/null', XDG_STATE_HOME: '/dev/null/state' },
    { HOME: '/nonexistent', XDG_STATE_HOME: '' },
    { HOME: '' },
  ]

  function phasesIn(log: string): readonly string[] {
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    return lines.map((line) => (JSON.parse(line) as { phase: string }).phase)
  }

  it.each(homes)('promotes with --audit-file, and says where its record is: %o', async (env) => {
    const here = await ready()
    const folder = await tempFolder()
    const log = join(folder, 'records', 'audit.jsonl')
    const words = [...addresses(here), '--attest', '--audit-file', 'records/audit.jsonl']
    const ended = await dray(words, { env, cwd: folder })
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(`Record: ${log}\n`) })
    const phases = phasesIn(log)
    expect(phases.filter((phase) => phase === 'intent').length).toBeGreaterThan(2)
    expect(phases.filter((phase) => phase === 'outcome')).toHaveLength(phases.length / 2)
    // what is in it is not for everyone
    expect(statSync(log).mode & 0o077).toBe(0)
    expect(
      await here.staging.oracle.referrers('prod/api', here.content('api:1.4.2').root.digest),
    ).toHaveLength(2)
  })

  it('takes DRAY_AUDIT_FILE for it as well', async () => {
    const here = await ready()
    const folder = await tempFolder()
    const log = join(folder, 'audit.jsonl')
    const env = { HOME: '/dev/null', DRAY_AUDIT_FILE: log }
    const ended = await dray(addresses(here), { env, cwd: folder })
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(`Record: ${log}\n`) })
    expect(phasesIn(log)).toContain('outcome')
  })

  it('changes nothing without --audit-file, and says what to do', async () => {
    const here = await ready()
    const ended = await dray(addresses(here), { env: { HOME: '/dev/null' }, cwd: await tempFolder() })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--audit-file') })
    expect(writes(here.staging.requests)).toEqual([])
  })
})
