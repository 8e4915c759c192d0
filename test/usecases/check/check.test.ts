import { describe, expect, it } from 'vitest'
import type { GateRequest } from '../../../src/gates/gate-request.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { checkImages } from '../../../src/usecases/check/check.ts'
import type { CheckRequest } from '../../../src/usecases/check/request.ts'
import { embedded, newCall, openStores } from '../../registry/client/world.ts'
import { gateResult } from '../../support/gates/gate-results.ts'
import { cosignSignature, image, together } from '../../support/images.ts'

type Judge = (request: GateRequest) => readonly GateResult[]
const gate = { gate: {} as GateRequest['gates'][number]['gate'], image: 'api' }

/** A registry with the repository `api`, and a function that checks it with this judgement. */
async function start(judge: Judge = () => [gateResult()]) {
  const at = await embedded({})
  const repository = { registry: at.registry, path: 'api' }
  const asked: GateRequest[] = []
  const request = (over: Partial<CheckRequest> = {}): CheckRequest => ({
    image: 'api:1.4.2',
    from: { repository },
    at: { tag: '1.4.2' },
    targets: [{ to: { environment: 'prod', repository: { ...repository, path: 'prod' } }, gates: [gate] }],
    ...over,
  })
  const check = (requests: readonly CheckRequest[], violations: readonly string[] = []) =>
    checkImages(
      requests,
      {
        stores: openStores(),
        judge: async (one) => {
          asked.push(one)
          return judge(one)
        },
        violationsOf: async () => violations.map((message) => ({ code: 'refused', message })),
      },
      newCall(),
    )
  return { ...at, request, check, asked }
}

describe('checking images', () => {
  it('judges the digest that the tag is on, for each target', async () => {
    const { push, request, check, asked } = await start()
    const api = image()
    await push(api, 'api', '1.4.2')
    const two = request({ targets: [...request().targets, ...request().targets] })
    const found = await check([two])
    expect(found.map(({ result, digest, tags }) => [result, digest, tags])).toEqual([
      ['pass', api.root.digest, ['1.4.2']],
      ['pass', api.root.digest, ['1.4.2']],
    ])
    expect(asked.map(({ root, from }) => [root.digest, from.tag])).toEqual([
      [api.root.digest, '1.4.2'],
      [api.root.digest, '1.4.2'],
    ])
  })

  it('judges each tagged image of a repository once, and no attached artifact', async () => {
    const { push, request, check } = await start()
    const [a, b] = [image(), image({ label: 'b' })]
    await push(together(a, cosignSignature(a)), 'api', 'a-name', '1.4.2', 'latest')
    await push(b, 'api', '1.5.0')
    const found = await check([request({ image: 'api', at: undefined })])
    expect(found.map(({ image: name, tags }) => [name, tags])).toEqual([
      ['api:1.4.2', ['1.4.2', 'latest', 'a-name']],
      ['api:1.5.0', ['1.5.0']],
    ])
  })

  it.each<[string, Partial<GateResult>, string]>([
    ['a failed gate', { result: 'fail', effect: 'refused' }, 'fail'],
    ['evidence that cannot be read', { result: 'error', effect: 'refused' }, 'error'],
    ['a failed gate in warn mode', { result: 'fail', effect: 'warned' }, 'pass'],
  ])('gives an image with %s the result of its gates', async (_, change, expected) => {
    const { push, request, check } = await start(() => [gateResult(), gateResult(change)])
    await push(image(), 'api', '1.4.2')
    const [found] = await check([request()])
    expect(found?.result).toBe(expected)
  })

  it('fails an image at a target that a residency rule forbids', async () => {
    const { push, request, check } = await start()
    await push(image(), 'api', '1.4.2')
    const [found] = await check([request()], ['forbidden'])
    expect(found).toMatchObject({ result: 'fail', violations: [{ message: 'forbidden' }] })
  })

  it('reports an image that does not exist and one whose judgement throws, and checks the others', async () => {
    const { push, request, check } = await start(({ root, from }) => {
      if (from.tag === '2') throw new DrayError('forbidden', `no access to ${root.digest}`)
      return [gateResult()]
    })
    await push(image(), 'api', '1.4.2', '2')
    const found = await check([request({ at: { tag: '9' } }), request({ at: { tag: '2' } }), request()])
    expect(found.map(({ result, error }) => [result, error?.code])).toEqual([
      ['error', 'not-found'],
      ['error', 'forbidden'],
      ['pass', undefined],
    ])
  })
})
