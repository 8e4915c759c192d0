import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { dray, type Ended } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { watchedRegistry } from '../support/world.ts'

const canUnshare = spawnSync('unshare', ['-rm', 'true']).status === 0

const disks = [
  {
    name: 'is full',
    mount: 'mount -t tmpfs -o size=32k none "$DISK" && cat /dev/zero > "$DISK/other" 2>/dev/null',
    why: 'ENOSPC',
  },
  {
    name: 'is read-only',
    mount: 'mount --bind "$DISK" "$DISK" && mount -o remount,bind,ro "$DISK"',
    why: 'EROFS',
  },
] as const

/** Runs a prune of an old image, with `DISK` mounted, and lists the disk afterwards. */
async function pruneOn(mount: string, flags: (disk: string) => readonly string[]) {
  const registry = await watchedRegistry()
  const folder = await tempFolder()
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  await registry.oracle.push(image(), 'dev/api', 'pr-1')
  const rules = [{ name: 'old', repositories: [`${registry.host}/dev/*`], tags: ['pr-*'] }]
  writeFileSync(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, retention: { rules } }))
  registry.forget()
  const script = `${mount}; "$@"; code=$?; ls -A "$DISK" > "$DISK.listing"; exit $code`
  const ended: Ended = await dray(['prune', `${registry.host}/dev/api`, ...flags(disk)], {
    cwd: folder,
    env: { HOME: folder, DISK: disk, DRAY_AUDIT_FILE: join(disk, 'audit.jsonl') },
    under: ['unshare', '-rm', 'bash', '-c', script, 'bash'],
  })
  const files = readFileSync(`${disk}.listing`, 'utf8').split('\n')
  return { ended, methods: registry.requests.map(({ method }) => method), files }
}

describe.each(disks)('a prune whose disk $name (needs unshare)', ({ mount, why }) => {
  it.skipIf(!canUnshare)('deletes nothing, says so, and says what to do', async () => {
    const { ended, methods } = await pruneOn(mount, () => ['--apply', '--yes'])
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.stderr).toContain('nothing was deleted')
    expect(ended.stderr).toContain(why)
    expect(ended.stderr).toContain('Free disk space or grant write access')
    expect(methods).not.toContain('DELETE')
  })

  it.skipIf(!canUnshare)('leaves no part of a plan that was to be saved', async () => {
    const { ended, files } = await pruneOn(mount, (disk) => ['--out', join(disk, 'plan.json')])
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.stderr).toMatch(/cannot write \S*plan\.json/)
    expect(ended.stderr).toContain(why)
    expect(files.filter((name) => name !== '' && name !== 'other')).toEqual([])
  })
})
