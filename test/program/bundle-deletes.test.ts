import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { BundleReceipt } from '../../src/plan/bundle/bundle-document.ts'
import { cosignSignature, image, referrer } from '../support/images.ts'
import { type Ended, warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const old = image({ label: 'old' })
const current = image({ label: 'current' })
const signature = cosignSignature(old)
const sbom = referrer(old, { artifactType: 'application/x.sbom' })

interface Place {
  readonly folder: string
  readonly source: WatchedRegistry
  readonly destination: WatchedRegistry
  /** Applies the increment, which deletes `api:1.0`. */
  readonly apply: (...flags: readonly string[]) => Promise<Ended>
  readonly receipt: () => Promise<BundleReceipt>
  readonly tags: () => Promise<readonly string[]>
  readonly run: (...args: readonly string[]) => Promise<Ended>
}

/** A destination with `api:1.0` and `api:1.1`, and a bundle of a rule that selects only `1.1`. */
async function place(retention?: (host: string) => object): Promise<Place> {
  const folder = await tempFolder()
  const [source, destination] = [await watchedRegistry(), await watchedRegistry()]
  const env = { HOME: folder, XDG_STATE_HOME: join(folder, 'state'), XDG_CACHE_HOME: join(folder, 'cache') }
  const run = (...args: readonly string[]): Promise<Ended> => warmDray(args, { cwd: folder, env })
  const rule = { name: 'hub', from: source.host, repositories: ['api'], to: 'unused.example/{repository}' }
  const write = async (changes: object, more: object = {}): Promise<void> =>
    await writeFile(
      join(folder, 'dray.yaml'),
      JSON.stringify({ version: 1, sync: [{ ...rule, ...changes }], ...more }),
    )
  await source.oracle.push(old, 'api', '1.0')
  await source.oracle.push(signature, 'api', `${old.root.digest.replace(':', '-')}.sig`)
  await source.oracle.push(sbom, 'api')
  await source.oracle.push(current, 'api', '1.1')
  await write({})
  const to = ['--to', `${destination.host}/hub`, '--yes']
  for (const args of [
    ['create', 'a.tar', 'hub'],
    ['apply', 'a.tar', ...to],
  ])
    expect(await run('bundle', ...args)).toMatchObject({ code: 0 })
  await write({ exclude: ['1.0'], delete: { exclusive: true } }, retention?.(destination.host))
  expect(await run('bundle', 'create', 'b.tar', 'hub', '--since', 'a.tar.receipt.json')).toMatchObject({
    code: 0,
  })
  return {
    folder,
    source,
    destination,
    run,
    apply: (...flags) => run('bundle', 'apply', 'b.tar', ...to, ...flags),
    receipt: async () =>
      JSON.parse(await readFile(join(folder, 'b.tar.receipt.json'), 'utf8')) as BundleReceipt,
    tags: () => destination.oracle.tags('hub/api'),
  }
}

const tagsOf = ({ roots }: BundleReceipt): readonly string[] => roots.flatMap(({ tags }) => tags)

describe('dray bundle apply --delete', () => {
  it('deletes the image of a tag that the rule no longer selects, with its attached artifacts', async () => {
    const here = await place()
    const ended = await here.apply('--delete')
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await here.tags()).toEqual(['1.1'])
    const { oracle } = here.destination
    expect(await oracle.digest('hub/api', old.root.digest)).toBeUndefined()
    expect(await oracle.digest('hub/api', sbom.root.digest)).toBeUndefined()
    const receipt = await here.receipt()
    expect(tagsOf(receipt)).toEqual(['1.1'])
    expect(receipt.roots.map(({ root }) => root.digest)).toEqual([current.root.digest])
    expect(receipt.present.map(({ digest }) => digest)).not.toContain(old.root.digest)
  })

  it('keeps the tag without the option, shows it, and keeps it in the receipt', async () => {
    const here = await place()
    const shown = await here.apply('--dry-run')
    expect(shown.stdout).toContain('Deletes, which dray does not execute without --delete')
    expect(shown.stdout).toContain('1.0')
    const ended = await here.apply()
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain('dray keeps tags that the rules of the bundle no longer select: api:1.0')
    expect(await here.tags()).toContain('1.0')
    expect(tagsOf(await here.receipt())).toEqual(['1.0', '1.1'])
  })

  it('does not delete a tag that someone else moved', async () => {
    const here = await place()
    const other = image({ label: 'other' })
    await here.destination.oracle.push(other, 'hub/api', '1.0')
    const ended = await here.apply('--delete')
    expect(ended, ended.stderr).toMatchObject({ code: 4 })
    expect(ended.stdout).toContain('1.0 was changed since the last bundle')
    expect(await here.destination.oracle.differences('hub/api', other, '1.0')).toEqual([])
    expect(tagsOf(await here.receipt())).toEqual(['1.0', '1.1'])
  })

  it('removes only the tag of an image that another tag keeps', async () => {
    const here = await place()
    await here.destination.oracle.push(old, 'hub/api', 'kept-by-hand')
    expect(await here.apply('--delete')).toMatchObject({ code: 0 })
    expect(await here.tags()).not.toContain('1.0')
    expect(await here.destination.oracle.differences('hub/api', old, 'kept-by-hand')).toEqual([])
  })

  it('deletes nothing in a repository in which another tag cannot be written', async () => {
    const here = await place()
    await here.destination.oracle.push(image({ label: 'other' }), 'hub/api', '1.1')
    const ended = await here.apply('--delete')
    expect(ended, ended.stderr).toMatchObject({ code: 3 })
    expect(ended.stdout).toContain('not deleted')
    expect(await here.destination.oracle.differences('hub/api', old, '1.0')).toEqual([])
  })

  it.each([
    ['a protection', { protect: [{ name: 'ones', tags: ['1.0'] }] }],
    ['a limit', { limits: { minRemaining: 2 } }],
  ])('keeps what %s of the destination keeps', async (_, part) => {
    const here = await place(() => ({
      retention: { rules: [{ name: 'none', tags: ['none-*'], keepNewest: 1 }], ...part },
    }))
    const ended = await here.apply('--delete')
    expect(await here.tags(), ended.stderr).toContain('1.0')
    expect(tagsOf(await here.receipt())).toContain('1.0')
  })

  it('keeps an image that a person holds', async () => {
    const here = await place()
    const held = await here.run('hold', `${here.destination.host}/hub/api:1.0`, '--reason', 'audit', '--yes')
    expect(held, held.stderr).toMatchObject({ code: 0 })
    await here.apply('--delete')
    expect(await here.tags()).toContain('1.0')
  })

  it('a second run finds the tag gone, and writes the same receipt', async () => {
    const here = await place()
    await here.apply('--delete')
    const { roots, present } = await here.receipt()
    here.destination.forget()
    expect(await here.apply('--delete')).toMatchObject({ code: 0 })
    expect(here.destination.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
    expect(await here.receipt()).toMatchObject({ roots, present })
  })
})

describe('dray apply', () => {
  it('refuses the plan of a bundle, and names the command for it', async () => {
    const here = await place()
    const { stdout } = await here.apply('--dry-run', '--json')
    const { plan, hash } = (JSON.parse(stdout) as { result: { plan: object; hash: string } }).result
    await writeFile(join(here.folder, 'plan.json'), JSON.stringify({ ...plan, hash }))
    const ended = await here.run('apply', 'plan.json')
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('dray bundle apply FILE --to PLACE')
  })
})
