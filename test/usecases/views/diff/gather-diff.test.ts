import { expect, it } from 'vitest'
import { DrayError } from '../../../../src/lib/errors.ts'
import { buildDiff, type DiffSide } from '../../../../src/usecases/views/diff/diff.ts'
import { type DiffImage, gatherDiff } from '../../../../src/usecases/views/diff/gather-diff.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { embedded, newCall, openStores, scripted } from '../../../registry/client/world.ts'
import { cosignSignature, image, together } from '../../../support/images.ts'

const all = { limit: undefined }
const side = (registry: string, path: string): DiffSide => ({
  repository: { registry, path },
  reading: plainReading,
  currentTags: ['latest'],
  channels: [],
})
const imageOf = (
  name: string,
  from: readonly [DiffSide, ...DiffSide[]],
  ...to: readonly DiffSide[]
): DiffImage => ({
  image: name,
  from,
  to,
})

it('the tags of the source are listed once for all targets, and evidence is never read', async () => {
  const { registry, push, log, clear } = await embedded()
  const signed = together(image(), cosignSignature(image()))
  const paths = ['staging/api', 'eu/api', 'us/api']
  for (const path of paths) await push(signed, path, '1.4.2', 'latest')
  clear()
  const [from, ...to] = paths.map((path) => side(registry, path))
  if (from === undefined) throw new Error('there are three')
  const facts = await gatherDiff(openStores(), [imageOf('api', [from], ...to)], all, newCall())
  const common = [{ from: 'latest' }, { from: '1.4.2' }]
  expect(facts).toMatchObject([{ compared: common }, { compared: common }])
  expect(
    log.filter(({ kind }) => kind === 'manifest').map(({ path }) => path.split('/manifests/')[1]),
  ).toHaveLength(6)
  expect(log.filter(({ repository }) => repository === 'staging/api')).toHaveLength(3)
})

it('a side is unreachable with the reason if the registry answers 403', async () => {
  const { registry, push } = await embedded()
  await push(image(), 'staging/api', '1.4.2')
  const denied = await scripted(() => ({ status: 403 }))
  const [here, there] = [side(registry, 'staging/api'), side(denied.registry, 'prod/api')]
  const facts = await gatherDiff(
    openStores(),
    [imageOf('api', [here], there), imageOf('api', [there], here)],
    all,
    newCall(),
  )
  const refused = { state: 'unreachable', unread: there.repository, error: { code: 'forbidden' } }
  expect(facts).toMatchObject([refused, refused])
})

it('current-version tags of different names are compared, and the highest version beyond the limit', async () => {
  const { registry, push } = await embedded()
  await push(image({ label: 'new' }), 'staging/api', '1.5.0', 'stable')
  await push(image({ label: 'new' }), 'prod/api', '1.5.0')
  await push(image({ label: 'old' }), 'prod/api', 'latest')
  const from = { ...side(registry, 'staging/api'), currentTags: ['stable'] }
  const to = side(registry, 'prod/api')
  const read = async (limit: number | undefined, source: DiffSide) => {
    const [facts] = await gatherDiff(openStores(), [imageOf('api', [source], to)], { limit }, newCall())
    return facts === undefined ? undefined : buildDiff(facts)
  }
  expect(await read(undefined, from)).toMatchObject({
    state: 'differs',
    comparedBy: 'currentTag',
    drift: [{ tag: 'stable', tagThere: 'latest', kind: 'floating' }],
  })
  expect(await read(1, { ...from, currentTags: [] })).toMatchObject({
    state: 'in-sync',
    comparedBy: 'highestVersion',
  })
})

it('an interrupt ends the command', async () => {
  const stop = new AbortController()
  stop.abort(new DrayError('interrupted', 'interrupted'))
  const target = imageOf('api', [side('127.0.0.1:1', 'a')], side('127.0.0.1:1', 'b'))
  await expect(gatherDiff(openStores(), [target], all, newCall(stop.signal))).rejects.toMatchObject({
    code: 'interrupted',
  })
})
