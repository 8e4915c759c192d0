import { chmodSync, chownSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { openMachineLocks } from '../../src/cli/wiring/machine-locks.ts'
import { openPruneCache } from '../../src/cli/prune/prune-cache.ts'
import { systemClock } from '../../src/lib/clock.ts'
import {
  filesBelow,
  foreignFolders,
  isRoot,
  makeFolderWithMode,
  needsRoot,
  makeUnsafe,
  stranger,
  unsafeFolders,
  treeOf,
  uid,
} from '../support/unsafe-folders.ts'
import { image } from '../support/images.ts'
import { writeLayout } from '../support/layouts.ts'
import { dray, type RunOptions } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

describe('the state folder', () => {
  /** Copies an image between two layouts, with the audit log in the state folder. */
  async function copyWith(env: RunOptions['env']) {
    const place = await tempFolder()
    writeLayout(join(place, 'from'), image({ label: 'state' }), '1.0')
    const args = ['copy', `oci:${place}/from:1.0`, `oci:${place}/to:1.0`, '--yes']
    const ended = await dray(args, { cwd: place, ...(env !== undefined && { env }) })
    return { ...ended, isCopied: existsSync(join(place, 'to')) }
  }

  it.each(unsafeFolders)('is an error before any change if it %s', async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap, '.local/state/dray')
    const before = treeOf(home)
    const { code, stderr, isCopied } = await copyWith({ HOME: home })
    expect({ code, isCopied }).toEqual({ code: 1, isCopied: false })
    expect(stderr).toMatch(new RegExp(`error: cannot use ${home}\\S* for the state of dray\n +why: `))
    expect(stderr).toMatch(/do: .*(?:chmod go-w|XDG_STATE_HOME)/)
    expect(treeOf(home)).toEqual(before)
  })

  it.skipIf(!isRoot).each(foreignFolders)(
    `is an error before any change if it %s${needsRoot}`,
    async (_, makeTrap) => {
      const { home } = await makeUnsafe(makeTrap, '.local/state/dray')
      const before = treeOf(home)
      const { code, stderr, isCopied } = await copyWith({ HOME: home })
      expect({ code, isCopied }).toEqual({ code: 1, isCopied: false })
      expect(stderr).toContain('for the state of dray')
      expect(treeOf(home)).toEqual(before)
    },
  )

  it.each([
    ['every user can write to', 0o666, uid],
    ...(isRoot ? [['of another user', 0o600, stranger] as const] : []),
  ] as const)('is an error if it has an audit log that is %s', async (_, mode, owner) => {
    const home = await tempFolder()
    const log = join(home, '.local', 'state', 'dray', 'audit.jsonl')
    makeFolderWithMode(dirname(log), 0o700)
    writeFileSync(log, '')
    chmodSync(log, mode)
    chownSync(log, owner, statSync(log).gid)
    const { code, stderr, isCopied } = await copyWith({ HOME: home })
    expect({ code, isCopied }).toEqual({ code: 1, isCopied: false })
    expect(stderr).toContain(`cannot use ${log}`)
  })

  it('is not used if the audit log is named', async () => {
    const { home } = await makeUnsafe(({ folder }) => makeFolderWithMode(folder, 0o777), '.local/state/dray')
    const log = join(await tempFolder(), 'audit.jsonl')
    expect(await copyWith({ HOME: home, DRAY_AUDIT_FILE: log })).toMatchObject({ code: 0, isCopied: true })
    expect(filesBelow(home)).toEqual([])
  })

  it('is made private, whatever the umask', async () => {
    const home = await tempFolder()
    expect(await copyWith({ HOME: home })).toMatchObject({ code: 0, isCopied: true })
    const folder = join(home, '.local', 'state', 'dray')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(filesBelow(folder)).toContain('audit.jsonl')
  })

  it.each(unsafeFolders)('is used for no locks if it %s, with a warning', async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap, '.local/state/dray')
    const warnings: string[] = []
    const call: Call = {
      signal: new AbortController().signal,
      notify: (event) => void (event.kind === 'warning' && warnings.push(event.text)),
    }
    expect(openMachineLocks({ HOME: home }, systemClock, call)).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining(home)])
  })
})

describe('the content cache', () => {
  function opened(home: string) {
    const warnings: string[] = []
    const call: Call = {
      signal: new AbortController().signal,
      notify: (event) => void (event.kind === 'warning' && warnings.push(event.text)),
    }
    return { cache: openPruneCache({ HOME: home }, systemClock, call), warnings }
  }

  it.each(unsafeFolders)('is not used if its folder %s, with one warning', async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap)
    const before = treeOf(home)
    const { cache, warnings } = opened(home)
    expect(cache).toBeUndefined()
    expect(warnings).toEqual([
      expect.stringMatching(/^dray reads without its cache: .*(?:chmod|XDG_CACHE_HOME)/),
    ])
    expect(treeOf(home)).toEqual(before)
  })

  it.skipIf(!isRoot).each(foreignFolders)(`is not used if its folder %s${needsRoot}`, async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap)
    expect(opened(home).cache).toBeUndefined()
  })

  it.skipIf(!isRoot)(`returns no content of another user${needsRoot}`, async () => {
    const home = await tempFolder()
    const repository = { registry: 'registry.example.com', path: 'api' }
    const reading = { tags: new Map(), indexReferrers: new Map() }
    const { cache } = opened(home)
    await cache?.remember(repository, reading)
    expect(await cache?.last(repository)).toEqual(reading)
    const folder = join(home, '.cache', 'dray', 'repositories')
    for (const name of readdirSync(folder)) chownSync(join(folder, name), stranger, stranger)
    expect(await cache?.last(repository)).toBeUndefined()
  })
})

it.each(unsafeFolders)('no completion script is stored in a cache folder that %s', async (_, makeTrap) => {
  const { home } = await makeUnsafe(makeTrap)
  const env = { HOME: home, SHELL: '/bin/bash' }
  const ended = await dray(['autocomplete', 'script', 'bash'], { env })
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toContain('for the cache of dray')
})

it.each([
  ['a relative XDG_CACHE_HOME', { XDG_CACHE_HOME: 'relative' }],
  ['DRAY_CACHE_DIR', { DRAY_CACHE_DIR: 'relative' }],
])('completion scripts are in the cache folder of the user, whatever %s is', async (_, env) => {
  const [home, cwd] = [await tempFolder(), await tempFolder()]
  const ended = await dray(['autocomplete', 'bash'], { cwd, env: { HOME: home, SHELL: '/bin/bash', ...env } })
  expect(ended.code).toBe(0)
  expect(readdirSync(cwd)).toEqual([])
  expect(filesBelow(join(home, '.cache', 'dray', 'autocomplete'))).toContain('bash_setup')
})
