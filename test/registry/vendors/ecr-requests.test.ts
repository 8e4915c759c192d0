import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import type { RegistryRequest } from '../../../src/registry/http/fetch.ts'
import { createEcrInventory } from '../../../src/registry/vendors/ecr/ecr.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { newCall, scripted } from '../client/world.ts'
import { accessKey, entriesOf, errorOf, inventoryAt, stubAws } from './ecr-world.ts'

/** The request that lists a repository of a registry, which is not sent. */
async function requestOf(registry: string, api?: string): Promise<RegistryRequest> {
  const sent: RegistryRequest[] = []
  const inventory = createEcrInventory({
    registry,
    base: new URL(api ?? `https://${registry}`),
    clock: manualClock(),
    keepSecret: () => undefined,
    secret: () => Promise.reject(new Error('dray asked for a password')),
    send: () => Promise.reject(new Error('dray sent an unsigned request')),
    resolveTag: async () => undefined,
    fetch: async (request) => {
      sent.push(request)
      throw new Error('not sent')
    },
  })
  const error = await errorOf(entriesOf(inventory, { registry, path: 'team/app' }))
  const [first] = sent
  if (first === undefined) throw error
  return first
}

function bodyOf({ body }: RegistryRequest): unknown {
  return body?.kind === 'bytes' ? JSON.parse(Buffer.from(body.bytes).toString()) : undefined
}

describe('the API of a registry of ECR', () => {
  const account = '123456789012'

  it.each([
    ['dkr.ecr.eu-west-1.amazonaws.com', 'api.ecr.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['dkr.ecr-fips.us-east-1.amazonaws.com', 'api.ecr-fips.us-east-1.amazonaws.com', 'us-east-1'],
    ['dkr.ecr.us-gov-west-1.amazonaws.com', 'api.ecr.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'api.ecr-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['dkr.ecr.cn-north-1.amazonaws.com.cn', 'api.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['dkr.ecr.eusc-de-east-1.amazonaws.eu', 'api.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1'],
    ['dkr-ecr.eu-west-1.on.aws', 'ecr.eu-west-1.api.aws', 'eu-west-1'],
    ['dkr-ecr-fips.us-east-1.on.aws', 'ecr-fips.us-east-1.api.aws', 'us-east-1'],
  ])('%s is %s, whatever region the variables name', async (host, api, region) => {
    stubAws({ AWS_REGION: 'ap-south-1' })
    const request = await requestOf(`${account}.${host}`)
    expect([request.url.href, request.registry]).toEqual([`https://${api}/`, api])
    expect(request.headers['authorization']).toContain(`/${region}/ecr/aws4_request`)
    expect(bodyOf(request)).toEqual({
      registryId: account,
      repositoryName: 'team/app',
      maxResults: 1000,
      filter: { imageStatus: 'ANY' },
    })
  })

  it('can be named by dray.yaml, with the region in its name', async () => {
    stubAws()
    const api = 'https://vpce-0a1b.api.ecr.eu-west-1.vpce.amazonaws.com'
    const request = await requestOf('images.example.com', api)
    expect(request.url.href).toBe(`${api}/`)
    expect(request.headers['authorization']).toContain('/eu-west-1/ecr/aws4_request')
    expect(bodyOf(request)).not.toHaveProperty('registryId')
  })

  it('behind a name of its own is in the region of AWS_REGION', async () => {
    stubAws({ AWS_REGION: 'eu-central-1' })
    const request = await requestOf('images.example.com')
    expect(request.url.href).toBe('https://api.ecr.eu-central-1.amazonaws.com/')
  })

  it('behind a name of its own without a region is an error with the fix', async () => {
    stubAws()
    const error = await errorOf(requestOf('images.example.com'))
    expect([error.code, error.subject]).toEqual(['config', 'images.example.com'])
    expect(error.hint).toContain('Set AWS_REGION')
  })

  it('is the FIPS one if AWS_USE_FIPS_ENDPOINT says this', async () => {
    stubAws({ AWS_USE_FIPS_ENDPOINT: 'true' })
    const request = await requestOf(`${account}.dkr.ecr.us-east-2.amazonaws.com`)
    expect(request.url.host).toBe('api.ecr-fips.us-east-2.amazonaws.com')
  })

  it('can be named by AWS_ENDPOINT_URL_ECR', async () => {
    stubAws({ AWS_ENDPOINT_URL_ECR: 'https://proxy.example.com/ecr' })
    const request = await requestOf(`${account}.dkr.ecr.eu-west-1.amazonaws.com`)
    expect(request.url.href).toBe('https://proxy.example.com/ecr/')
  })

  it('gets no credentials over plain HTTP', async () => {
    stubAws({ AWS_ENDPOINT_URL_ECR: 'http://proxy.example.com' })
    const registry = `${account}.dkr.ecr.eu-west-1.amazonaws.com`
    const error = await errorOf(requestOf(registry))
    expect([error.code, error.subject]).toEqual(['config', 'http://proxy.example.com'])
  })
})

describe('secrets of AWS', () => {
  const session = 'canary-session-token-0123456789abcdef'

  it('do not leave for another origin', async () => {
    stubAws({ AWS_SESSION_TOKEN: session })
    const other = await scripted(() => ({ status: 200 }))
    const location = `http://${other.registry}/`
    const api = await scripted(() => ({ status: 307, headers: { location } }))
    const inventory = await inventoryAt(api.registry, { kind: 'ecr', api: `http://${api.registry}` })
    const error = await errorOf(entriesOf(inventory, { registry: api.registry, path: 'a' }))
    expect([error.code, other.heard]).toEqual(['protocol', []])
  })

  it('do not show in the text of an error that repeats them', async () => {
    stubAws({ AWS_SESSION_TOKEN: session })
    const message = `bad ${session} and ${accessKey.secret}`
    const body = JSON.stringify({ __type: 'InvalidParameterException', message })
    const api = await scripted(() => ({ status: 400, body }))
    const inventory = await inventoryAt(api.registry, { kind: 'ecr', api: `http://${api.registry}` })
    const error = await errorOf(entriesOf(inventory, { registry: api.registry, path: 'a' }))
    expect(error).toMatchObject({ code: 'protocol', why: 'bad … and …' })
    const texts = JSON.stringify([error.stack, error.cause, error.hint])
    expect(texts).not.toContain(session)
    expect(texts).not.toContain(accessKey.secret)
  })
})

describe('a faulty API of ECR', () => {
  async function listedFrom(answer: Parameters<typeof scripted>[0]) {
    stubAws()
    const api = await scripted(answer)
    const inventory = await inventoryAt(api.registry, { kind: 'ecr', api: `http://${api.registry}` })
    return { api, list: () => entriesOf(inventory, { registry: api.registry, path: 'a' }, newCall()) }
  }

  const page = (more: object) => ({ status: 200, body: JSON.stringify({ imageDetails: [], ...more }) })

  it('is asked again if an answer breaks off, and after 500', async () => {
    const { api, list } = await listedFrom((_, count) => {
      if (count === 1) return { status: 500 }
      if (count > 2) return page({})
      return {
        status: 200,
        raw: (response) => {
          response.writeHead(200, { 'content-length': 100 })
          response.write('{')
          setImmediate(() => response.destroy())
        },
      }
    })
    expect(await list()).toEqual([])
    expect(api.heard).toHaveLength(3)
  })

  it.each([
    ['names the same next page twice', page({ nextToken: 'again' })],
    ['lists an image without a digest', page({ imageDetails: [{ imageTags: ['x'] }] })],
    [
      'lists a hostile tag',
      page({ imageDetails: [{ imageDigest: `sha256:${'0'.repeat(64)}`, imageTags: ['<script>'] }] }),
    ],
    ['answers with a web page', { status: 200, body: '<html>' }],
  ])('that %s is an error', async (_, answer) => {
    const { list } = await listedFrom(() => answer)
    expect((await errorOf(list())).code).toBe('protocol')
  })

  it('that does not answer is left when the call is aborted, with its reason', async () => {
    stubAws()
    const call = notedCall()
    const reason = new DrayError('interrupted', 'stopped')
    const api = await scripted(() => ({ status: 200, raw: () => call.abort(reason) }))
    const inventory = await inventoryAt(api.registry, { kind: 'ecr', api: `http://${api.registry}` })
    const entries = entriesOf(inventory, { registry: api.registry, path: 'a' }, call)
    expect(await errorOf(entries)).toBe(reason)
  })

  it('can send an empty page before the end', async () => {
    const { api, list } = await listedFrom((_, count) => page(count < 3 ? { nextToken: String(count) } : {}))
    expect(await list()).toEqual([])
    expect(api.heard).toHaveLength(3)
  })
})
