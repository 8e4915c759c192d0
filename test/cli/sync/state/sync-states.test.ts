import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mergeStates } from '../../../../src/cli/sync/state/merge-states.ts'
import { SyncStates } from '../../../../src/cli/sync/state/sync-states.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { DestinationState } from '../../../../src/usecases/sync/sync-state.ts'

const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')]
const owner = { rule: 'hub', repository: { registry: 'mirror.example.com', path: 'hub/library/alpine' } }
const other = { ...owner, rule: 'nightly' }
const { signal } = new AbortController()

function state(written: Readonly<Record<string, typeof a>>, more: Partial<DestinationState> = {}) {
  return {
    written: new Map(Object.entries(written)),
    absentSince: new Map<string, number>(),
    childrenSearchedAt: new Map<typeof a, number>(),
    ...more,
  }
}

describe('the state of a rule in a destination repository', () => {
  let folder: string
  let states: SyncStates
  const warnings: string[] = []
  const call = {
    signal,
    notify: (event: { readonly kind: string; readonly text?: string }) =>
      void (event.kind === 'warning' && warnings.push(event.text ?? '')),
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dray-sync-'))
    states = new SyncStates(folder, undefined)
    warnings.length = 0
  })
  afterEach(async () => await rm(folder, { recursive: true, force: true }))

  it('is read as it was written', async () => {
    const written = state(
      { '3.20': a, __proto__x: b },
      {
        absentSince: new Map([['3.19', 1_700_000_000_000]]),
        childrenSearchedAt: new Map([[a, 1_700_000_000_001]]),
        beingWritten: new Map([['3.20', [b, c]]]),
        platforms: ['linux/amd64', 'windows/amd64:10.0.17763.1'],
        sourceTags: 12,
        succeededAt: 1_700_000_000_002,
      },
    )
    await states.write(owner, state({}), written, call)
    expect(await states.read(owner, call)).toEqual(written)
    expect(await states.read(other, call)).toEqual(state({}))
    expect(warnings).toEqual([])
  })

  it('is empty, with a warning, if its file is damaged', async () => {
    await states.write(owner, state({}), state({ '3.20': a }), call)
    const [file = ''] = await readdir(folder)
    for (const content of ['', '{"schema":"dray.sync-state/1"', '[]', '{"schema":"dray.sync-state/2"}']) {
      await writeFile(join(folder, file), content)
      warnings.length = 0
      expect(await states.read(owner, call)).toEqual(state({}))
      expect(warnings).toEqual([expect.stringContaining('the state of the rule hub')])
    }
    await states.write(owner, state({}), state({ '3.20': b }), call)
    expect(await states.read(owner, call)).toEqual(state({ '3.20': b }))
  })

  it.each([
    { absentSince: [['3.19', 8.64e15 + 1]] },
    { absentSince: [['3.19', -1]] },
    { written: [['../3.19', a]] },
    { written: [['3.19', 'sha256:']] },
    { platforms: ['\u001b[2J'] },
    { platforms: 'linux/amd64' },
    { sourceTags: 0.5 },
  ])('is empty, with a warning, if its file has %j', async (wrong) => {
    await states.write(owner, state({}), state({ '3.20': a }), call)
    const [file = ''] = await readdir(folder)
    const path = join(folder, file)
    const document = JSON.parse(await readFile(path, 'utf8')) as object
    await writeFile(path, JSON.stringify({ ...document, ...wrong }))
    expect(await states.read(owner, call)).toEqual(state({}))
    expect(warnings).toEqual([expect.stringContaining('the state of the rule hub')])
  })

  it.skipIf(process.platform === 'win32')('is not read from a file that others can write', async () => {
    await states.write(owner, state({}), state({ '3.20': a }), call)
    const [file = ''] = await readdir(folder)
    await chmod(join(folder, file), 0o666)
    expect(await states.read(owner, call)).toEqual(state({}))
    expect(warnings).toHaveLength(1)
  })

  it('keeps what another run of the rule wrote meanwhile', async () => {
    const before = state({ '3.19': a, '3.20': a })
    await states.write(owner, state({}), before, call)
    await states.write(owner, before, state({ '3.19': a, '3.20': b }), call)
    await states.write(owner, before, state({ '3.20': a, '3.21': c }), call)
    expect(await states.read(owner, call)).toEqual(state({ '3.20': b, '3.21': c }))
  })

  it('stores one file for each rule and repository', async () => {
    await states.write(owner, state({}), state({ '3.20': a }), call)
    await states.write(other, state({}), state({ '3.20': b }), call)
    expect(await readdir(folder)).toHaveLength(2)
    expect(await states.read(owner, call)).toEqual(state({ '3.20': a }))
  })
})

describe('a merge of states', () => {
  it('has the last success, and the count of the newest list', () => {
    const at = (succeededAt: number, sourceTags: number) => state({}, { succeededAt, sourceTags })
    expect(mergeStates(at(1, 1), at(5, 7), at(6, 9))).toEqual(at(5, 7))
    expect(mergeStates(at(1, 1), at(1, 7), at(6, 9))).toEqual(at(6, 7))
  })

  it('forgets a success in the future, of a clock that was wrong', () => {
    const at = (succeededAt: number) => state({}, { succeededAt })
    expect(mergeStates(at(4e12), at(5), at(4e12))).toEqual(at(5))
  })

  it('removes only its own intents', () => {
    const intends = (...digests: readonly (typeof a)[]) =>
      state({}, { beingWritten: new Map([['3.20', digests]]) })
    expect(mergeStates(state({}), intends(b), intends(a))).toEqual(intends(a, b))
    expect(mergeStates(intends(b), state({}), intends(a, b))).toEqual(intends(a))
    expect(mergeStates(intends(b), state({}), intends(b))).toEqual(state({}))
  })

  it('has the platforms of the run that changed them, or those that both have', () => {
    const of = (...platforms: readonly string[]) => state({}, platforms.length > 0 ? { platforms } : {})
    expect(mergeStates(of('a/1'), of(), of('a/1'))).toEqual(of())
    expect(mergeStates(of('a/1'), of('a/1'), of('a/1', 'b/1'))).toEqual(of('a/1', 'b/1'))
    expect(mergeStates(of('a/1'), of(), of('a/1', 'b/1'))).toEqual(of('a/1', 'b/1'))
    expect(mergeStates(of(), of('a/1', 'b/1'), of('b/1', 'c/1'))).toEqual(of('b/1'))
  })

  it('forgets a grace period that ended, and keeps one that another run began', () => {
    const since = (entries: Readonly<Record<string, number>>) =>
      state({}, { absentSince: new Map(Object.entries(entries)) })
    expect(mergeStates(since({ old: 1 }), since({}), since({ old: 1, other: 2 }))).toEqual(
      since({ other: 2 }),
    )
  })
})
