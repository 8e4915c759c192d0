import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { createExaminer } from '../../../src/registry/examine/examiner.ts'
import { diagnose } from '../../../src/usecases/views/doctor.ts'
import { type Fault, faultyProxy, type Injury } from '../../support/faulty-proxy.ts'
import { image } from '../../support/images.ts'
import { embedded, newCall, openStack } from '../client/world.ts'

type Answer = Omit<Extract<Injury, { kind: 'answer' }>, 'kind'>

const always = (method: string, path: RegExp, answer: Answer): Fault => ({
  at: { method, path },
  times: Infinity,
  injury: { kind: 'answer', ...answer },
})
const challenge = { 'www-authenticate': 'Basic realm="registry"' }
const json = { 'content-type': 'application/json' }

/** Checks a repository with one image behind these faults, and returns what doctor says. */
async function findingsBehind(...faults: readonly Fault[]) {
  const one = await embedded()
  await one.push(image(), 'team/api', '1.4.2')
  await using proxy = await faultyProxy(one.registry, ...faults)
  const examiner = createExaminer({ ...openStack(), maxAttempts: 1 })
  const facts = await examiner.check(proxy.host, 'team/api', newCall())
  const writes = proxy.passed.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
  expect(writes).toEqual([])
  return diagnose(
    { registry: proxy.host, origin: '', credentials: { value: undefined }, facts },
    systemClock.now(),
  ).findings
}

describe('doctor', () => {
  it('reports nothing odd of a registry like the specification', async () => {
    const checks = (await findingsBehind()).map(({ check }) => check)
    for (const odd of ['challenge', 'anonymous', 'tagList', 'head', 'missingTag'])
      expect(checks).not.toContain(odd)
  })

  it.each([
    [
      '401 without a challenge',
      'challenge',
      always('GET', /\/v2\/$/, { status: 401 }),
      /401 without a challenge/,
    ],
    [
      'a challenge of a scheme that dray does not have',
      'challenge',
      always('GET', /\/v2\/$/, { status: 401, headers: { 'www-authenticate': 'Negotiate' } }),
      /401 without a challenge/,
    ],
    [
      '401 for each tag that does not exist',
      'missingTag',
      always('HEAD', /manifests\//, { status: 401, headers: challenge, insteadOf: 404 }),
      /answered 401 to HEAD of a tag that does not exist/,
    ],
    [
      '403 for each tag that does not exist',
      'missingTag',
      always('HEAD', /manifests\//, { status: 403, insteadOf: 404 }),
      /answered 403 to HEAD of a tag that does not exist/,
    ],
    ...[404, 403, 405, 500].map(
      (status) =>
        [
          `${status} to HEAD of a manifest that GET returns`,
          'head',
          always('HEAD', /manifests\/1\.4\.2$/, { status }),
          new RegExp(`HEAD of the tag 1\\.4\\.2 answered ${status}, and GET returned sha256:`),
        ] as const,
    ),
    [
      'HEAD without a digest',
      'head',
      {
        at: { method: 'HEAD', path: /manifests\/1\.4\.2$/ },
        injury: { kind: 'headers', set: { 'docker-content-digest': null } },
      } satisfies Fault,
      /has no Docker-Content-Digest/,
    ],
    [
      'tags that are none',
      'tagList',
      always('GET', /tags\/list/, {
        status: 200,
        headers: json,
        body: { name: 'team/api', tags: ['-beta', null, '1.4.2'] },
      }),
      /2 entries .* are not valid tags: "-beta", null/,
    ],
  ] as const)('notes %s', async (_, check, fault, saw) => {
    const findings = await findingsBehind(fault)
    expect(findings.filter((one) => one.check === check)).toMatchObject([
      { state: 'note', saw: expect.stringMatching(saw), hint: expect.stringContaining('dray') },
    ])
  })

  it.each([403, 404])(
    'notes anonymous requests that are answered %i while /v2/ challenges',
    async (status) => {
      const findings = await findingsBehind(
        always('GET', /\/v2\/$/, { status: 401, headers: challenge }),
        always('GET', /tags\/list/, { status }),
      )
      const found = findings.find(({ check }) => check === 'anonymous')
      expect(found).toMatchObject({
        state: 'note',
        saw: expect.stringContaining(`answered ${status} without a challenge`),
      })
    },
  )

  it('does not take a repository that shows nothing for one that refuses missing tags', async () => {
    const findings = await findingsBehind(
      always('HEAD', /manifests\//, { status: 403 }),
      always('GET', /manifests\//, { status: 403 }),
    )
    expect(findings.map(({ check }) => check)).not.toContain('missingTag')
  })

  it.each([
    ['404', { status: 404 }, 'it answered 404'],
    ['400', { status: 400 }, 'it answered 400'],
    ['405', { status: 405 }, 'it answered 405'],
    ['406', { status: 406 }, 'it answered 406'],
    ['204', { status: 204 }, 'it answered 204'],
    ['501', { status: 501 }, 'it answered 501'],
    ['a web page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, 'text/html'],
    ['an empty body', { status: 200, headers: json, body: '' }, 'which is not an index'],
    ['{}', { status: 200, headers: json, body: '{}' }, 'which is not an index'],
  ] as const)('says that %s means no referrers API', async (_, answer, detail) => {
    const findings = await findingsBehind(always('GET', /referrers/, answer))
    const found = findings.find(({ check }) => check === 'referrers')
    expect(found).toMatchObject({ state: 'note', saw: expect.stringMatching(/^no, observed/) })
    expect(found?.saw).toContain(detail)
  })

  it('names the host to which a request for referrers is redirected', async () => {
    const other = await embedded()
    const location = `http://${other.registry}/login`
    const findings = await findingsBehind(always('GET', /referrers/, { status: 303, headers: { location } }))
    const found = findings.find(({ check }) => check === 'referrers')
    expect(found?.saw).toContain(`it redirected to ${other.registry}`)
  })

  it.each(['http://127.0.0.1:1/login', 'https://127.0.0.1:1/login'])(
    'does not need the host to which a request for referrers is redirected: %s',
    async (location) => {
      const findings = await findingsBehind(
        always('GET', /referrers/, { status: 303, headers: { location } }),
      )
      const found = findings.find(({ check }) => check === 'referrers')
      expect(found?.saw).toContain('it redirected to 127.0.0.1:1')
    },
  )

  it('takes an index without entries, as Go writes it, for an answer of the referrers API', async () => {
    const body = '{"schemaVersion":2,"manifests":null}'
    const findings = await findingsBehind(always('GET', /referrers/, { status: 200, headers: json, body }))
    expect(findings.find(({ check }) => check === 'referrers')?.saw).toMatch(/^yes, observed/)
  })

  it.each([401, 403, 429])('does not know of the API if it answers %i', async (status) => {
    const findings = await findingsBehind(always('GET', /referrers/, { status, headers: challenge }))
    expect(findings.find(({ check }) => check === 'referrers')).toMatchObject({ state: 'unknown' })
  })

  it('finds by writing that OCI-Subject is answered and nothing is listed', async () => {
    const one = await embedded()
    await using proxy = await faultyProxy(one.registry, always('GET', /referrers/, { status: 404 }))
    const examiner = createExaminer({ ...openStack(systemClock), maxAttempts: 1 })
    const { abilities } = await examiner.probeWrites({ registry: proxy.host, path: 'scratch' }, newCall())
    expect(abilities.referrers).toMatchObject({
      known: 'no',
      detail: expect.stringContaining('OCI-Subject'),
    })
  })
})
