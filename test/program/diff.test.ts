import { describe, expect, it } from 'vitest'
import { scripted } from '../registry/client/world.ts'
import { dockerRegistry } from '../support/docker-registry.ts'
import { cosignSignature, image, together } from '../support/images.ts'
import { seenRegistry } from '../support/seen-registry.ts'
import { type Workplace, workplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

/** Nobody listens there. */
const closed = '127.0.0.1:1'

interface Entry {
  readonly image: string
  readonly to: { readonly registry: string }
  readonly state: string
  readonly promote: readonly unknown[]
  readonly error?: { readonly code: string }
}

async function diff(here: Workplace, ...words: readonly string[]) {
  const { code, document, stderr } = await here.json('diff', ...words)
  return { code, stderr, document, images: document.result?.images as unknown as readonly Entry[] }
}

const kinds = [
  { kind: 'oci-1.1', note: '', available: true },
  { kind: 'docker-registry', ...dockerRegistry },
] as const

for (const { kind, note, available } of kinds) {
  describe.skipIf(!available)(`diff at ${kind}${note}`, () => {
    /** staging has 1.5.0 more, prod a hotfix; 1.4.2 has drifted; 1.4.0 is the same in another spelling. */
    async function apart() {
      const registry = await seenRegistry(kind)
      const { oracle } = registry
      const v = (label: string) => image({ label, layers: 1 })
      await oracle.push(
        together(v('1.5.0'), cosignSignature(v('1.5.0'))),
        'staging/api',
        '1.5.0',
        '1',
        'latest',
      )
      await oracle.push(v('1.4.2'), 'staging/api', '1.4.2', 'abc1234')
      await oracle.push(v('1.4.0'), 'staging/api', 'v1.4.0')
      await oracle.push(v('1.4.2 built anew'), 'prod/api', '1.4.2', '1', 'latest')
      await oracle.push(together(v('1.4.0'), cosignSignature(v('1.4.0'))), 'prod/api', '1.4.0')
      await oracle.push(v('hotfix'), 'prod/api', '1.3.9-hotfix.1')
      for (const environment of ['staging', 'prod'])
        await oracle.push(v('job'), `${environment}/job`, '1.0.0', 'latest')
      await registry.forget()
      return registry
    }

    it('tells what would be promoted, what is only there and what has drifted', async () => {
      const registry = await apart()
      const here = await workplace(configOf(registry.host))
      const { code, document } = await diff(here, 'staging', 'prod', 'api', 'job', 'nowhere')
      expect(code).toBe(0)
      expect(document.result).toMatchObject({
        from: 'staging',
        to: 'prod',
        images: [
          {
            image: 'api',
            state: 'differs',
            promote: [{ tag: '1.5.0', older: false }],
            onlyThere: ['1.3.9-hotfix.1'],
            drift: [
              { tag: '1.4.2', kind: 'exact', behind: false },
              { tag: 'latest', kind: 'floating', behind: true },
              { tag: '1', kind: 'floating', behind: true },
            ],
            otherTags: { from: ['abc1234'], to: [] },
          },
          { image: 'job', state: 'level', compared: 2 },
          { image: 'nowhere', state: 'absent' },
        ],
      })
      const text = await here.run('diff', '@staging', '@prod', 'api', 'job', 'nowhere', '--detailed-exitcode')
      expect(text.code).toBe(2)
      expect(text.stdout).toMatch(/^api {2}staging -> prod\n {2}\+ 1\.5\.0$/m)
      expect(text.stdout).toMatch(/^ {2}≠ 1\.4\.2 +sha256:[a-f0-9]{64} -> sha256:[a-f0-9]{64} +drift$/m)
      expect(text.stdout).toMatch(/in neither: nowhere\n1 image level\n$/)
      expect(text.stderr).toContain('1 version to promote, 1 only in prod, 1 drifted version')
    })

    it('asks for the tags of each side once, and for each common tag once on each side, and changes nothing', async () => {
      const registry = await apart()
      const here = await workplace(configOf(registry.host))
      await diff(here, 'staging', 'prod', 'api')
      const heads = ['1', '1.4.2', 'latest'].flatMap((tag) => [
        `HEAD /v2/prod/api/manifests/${tag}`,
        `HEAD /v2/staging/api/manifests/${tag}`,
      ])
      const spelled = ['HEAD /v2/prod/api/manifests/1.4.0', 'HEAD /v2/staging/api/manifests/v1.4.0']
      const lists = ['GET /v2/prod/api/tags/list', 'GET /v2/staging/api/tags/list']
      expect((await registry.seen()).toSorted()).toEqual([...lists, ...heads, ...spelled].toSorted())

      await registry.forget()
      const limited = await diff(here, 'staging', 'prod', 'api', '--limit', '1')
      expect(limited.images).toMatchObject([{ compared: 1, notCompared: 3 }])
      expect((await registry.seen()).filter((line) => line.startsWith('HEAD'))).toHaveLength(2)
    })
  })
}

describe('with targets that cannot be reached diff', () => {
  async function level() {
    const registry = await seenRegistry('oci-1.1')
    for (const environment of ['staging', 'prod'])
      for (const name of ['api', 'web'])
        await registry.oracle.push(image({ label: name }), `${environment}/${name}`, '1.0.0')
    return registry
  }

  it('compares the others and exits 4, or 1 where there are none', async () => {
    const { host } = await level()
    const here = await workplace(configOf(host, [closed, host]))
    const { code, images } = await diff(here, 'staging', 'prod', 'api', 'web', '--detailed-exitcode')
    expect(code).toBe(4)
    expect(images.map(({ image: name, state, error }) => [name, state, error?.code])).toEqual([
      ['api', 'unreachable', 'network'],
      ['api', 'level', undefined],
      ['web', 'unreachable', 'network'],
      ['web', 'level', undefined],
    ])
    const text = await here.run('diff', 'staging', 'prod', 'api', 'web')
    expect(text.stdout).toBe(`not compared with prod (${closed}): 2 images\n2 images level\n`)
    expect(text.stderr).toContain(`${closed} (2 images): cannot connect`)

    const alone = await workplace(configOf(host, [closed]))
    expect((await diff(alone, 'staging', 'prod', 'api')).code).toBe(1)
  })

  it('takes the next target of the first environment, and says so', async () => {
    const { host } = await level()
    const here = await workplace(configOf(host, [closed, host]))
    const { code, document } = await diff(here, 'prod', 'staging', 'api', 'web')
    expect(code).toBe(0)
    expect(document.warnings).toEqual([expect.stringContaining(`${closed}: cannot connect`)])
  })

  it('shows what it has when the time is up', async () => {
    const { host } = await level()
    // takes every request and never answers one
    const mute = await scripted(() => ({ status: 200, raw: () => undefined }))
    const here = await workplace(configOf(host, [host, mute.registry]))
    const { code, images } = await diff(here, 'staging', 'prod', 'api', '--timeout', '3s')
    expect(code).toBe(4)
    expect(images.map(({ state }) => state)).toEqual(['level', 'unreachable'])
  })
})

it('one environment, or the same one twice, is wrong usage that says what to do', async () => {
  const here = await workplace(configOf(closed))
  for (const words of [['staging'], ['staging', '@staging'], ['staging', 'prod']]) {
    const { code, document } = await here.json('diff', ...words)
    expect(code, words.join(' ')).toBe(64)
    expect(document.error?.hint, words.join(' ')).toBeDefined()
  }
})
