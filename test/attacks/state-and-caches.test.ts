import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { RealSources } from '../../src/cli/completion/sources.ts'
import { Context } from '../../src/cli/wiring/context.ts'
import { openMachineFiles } from '../../src/cli/wiring/machine-locks.ts'
import { sharedFolders } from '../../src/cli/wiring/private-folders.ts'
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
import { warmDray, type RunOptions } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'

describe('the state folder', () => {
  /** Copies an image between two layouts, with the audit log in the state folder. */
  async function copyWith(env: RunOptions['env']) {
    const place = await tempFolder()
    writeLayout(join(place, 'from'), image({ label: 'state' }), '1.0')
    const args = ['copy', `oci:${place}/from:1.0`, `oci:${place}/to:1.0`, '--yes']
    const ended = await warmDray(args, { cwd: place, ...(env !== undefined && { env }) })
    return { ...ended, isCopied: existsSync(join(place, 'to')) }
  }

  it.each(unsafeFolders)('is an error before any change if it %s', async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap, '.local/state/dray')
    const before = treeOf(home)
    const { code, stderr, isCopied } = await copyWith({ HOME: home })
    expect({ code, isCopied }).toEqual({ code: 1, isCopied: false })
    expect(stderr).toMatch(new RegExp(`error: cannot use ${home}\\S* for the state of dray\n +why: `))
    expect(stderr).toMatch(/fix: .*(?:chmod go-w|XDG_STATE_HOME)/)
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
})

describe('the folder that the runs of a machine share', () => {
  /** Opens it as the first or second of these folders, below a home that stands for `/tmp`. */
  function opened(...bases: readonly string[]) {
    const warnings: string[] = []
    const call: Call = {
      signal: new AbortController().signal,
      notify: (event) => void (event.kind === 'warning' && warnings.push(event.text)),
    }
    const folders = bases.map((base) => ({ base, below: ['dray-1'] }))
    return { files: openMachineFiles({}, systemClock, call, folders), warnings }
  }

  // A link of this user or of root may lead to a folder for temporary files, as on macOS.
  const unsafe = unsafeFolders.filter(([name]) => name !== 'is below a link')

  it.each([...unsafe, ...(isRoot ? foreignFolders : [])])(
    'is not used if it %s, with one warning',
    async (_, makeTrap) => {
      const { home, top } = await makeUnsafe(makeTrap, 'tmp/dray-1')
      mkdirSync(top, { recursive: true })
      const before = treeOf(home)
      const { files, warnings } = opened(top)
      expect(files).toBeUndefined()
      expect(warnings).toEqual([
        expect.stringMatching(
          /^dray runs without locks between its runs: cannot use .*(?:chmod|remove|XDG_RUNTIME_DIR)/,
        ),
      ])
      expect(treeOf(home)).toEqual(before)
    },
  )

  it('is another one if the first cannot be created, and is made private', async () => {
    const [first, second] = [await tempFolder(), await tempFolder()]
    chmodSync(first, 0o777)
    expect(opened(first, second)).toMatchObject({ files: expect.anything() as unknown, warnings: [] })
    expect(readdirSync(first)).toEqual([])
    expect(statSync(join(second, 'dray-1')).mode & 0o777).toBe(0o700)
  })

  it.each(unsafe.filter(([name]) => name.startsWith('is a ')))(
    'is no other one if the first %s: two runs could use different ones',
    async (_, makeTrap) => {
      const [{ top }, second] = [await makeUnsafe(makeTrap, 'tmp/dray-1'), await tempFolder()]
      expect(opened(top, second).files).toBeUndefined()
      expect(readdirSync(second)).toEqual([])
    },
  )

  it('is not made in a folder that does not exist', async () => {
    const place = await tempFolder()
    expect(opened(join(place, 'missing')).files).toBeUndefined()
    expect(readdirSync(place)).toEqual([])
  })

  it('is the same one whatever home, TMPDIR and XDG_RUNTIME_DIR a run has', () => {
    const [first] = sharedFolders({ HOME: '/a', TMPDIR: '/b', XDG_RUNTIME_DIR: '/c' })
    expect(first).toEqual(sharedFolders({})[0])
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

it.each(unsafeFolders)(
  'tags for completion are read, and not kept, in a cache folder that %s',
  async (_, makeTrap) => {
    const [{ home }, cwd] = [await makeUnsafe(makeTrap), await tempFolder()]
    const registries = await world().image('api:1.4.2').start()
    writeFileSync(join(cwd, 'dray.yaml'), registries.config)
    const before = treeOf(home)
    const context = new Context({ configFile: undefined, env: { HOME: home }, cwd, version: '0.0.0' })
    onTestFinished(() => context.close())
    const sources = new RealSources(context, {
      limit: () => AbortSignal.timeout(20_000),
      isBackground: false,
    })
    expect(await sources.tags('api', ['staging'])).toEqual(['1.4.2'])
    expect(treeOf(home)).toEqual(before)
  },
)
