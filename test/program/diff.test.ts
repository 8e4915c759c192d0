import { describe, expect, it } from 'vitest'
import { scripted } from '../registry/client/world.ts'
import { dockerRegistry } from '../support/docker-registry.ts'
import { cosignSignature, image, together } from '../support/images.ts'
import { loggedRegistry } from '../support/logged-registry.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

/** Nothing listens at this address. */
const closed = '127.0.0.1:1'

interface Entry {
  readonly image: string
  readonly to: { readonly registry: string }
  readonly state: string
  readonly promote: readonly unknown[]
  readonly error?: { readonly code: string }
}

async function diff(project: Workplace, ...args: readonly string[]) {
  const { code, document, stderr } = await project.json('diff', ...args)
  return { code, stderr, document, images: document.result?.images as unknown as readonly Entry[] }
}

const kinds = [
  { kind: 'oci-1.1', note: '', available: true },
  { kind: 'docker-registry', ...dockerRegistry },
] as const

for (const { kind, note, available } of kinds) {
  describe.skipIf(!available)(`diff at ${kind}${note}`, () => {
    /** Only staging has 1.5.0, only prod a hotfix, 1.4.2 drifted, 1.4.0 has two spellings. */
    async function differentEnvironments() {
      const registry = await loggedRegistry(kind)
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

    it('shows versions to promote, versions that only prod has, and drift', async () => {
      const registry = await differentEnvironments()
      const project = await warmWorkplace(configOf(registry.host))
      const { code, document } = await diff(project, 'staging', 'prod', 'api', 'job', 'nowhere')
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
          { image: 'job', state: 'in-sync', comparedBy: 'currentTag', compared: 2 },
          { image: 'nowhere', state: 'not-deployed' },
        ],
      })
      const text = await project.run(
        'diff',
        '@staging',
        '@prod',
        'api',
        'job',
        'nowhere',
        '--detailed-exitcode',
      )
      expect(text.code).toBe(2)
      expect(text.stdout).toMatch(/^api {2}staging -> prod\n {2}\+ 1\.5\.0$/m)
      expect(text.stdout).toMatch(/^ {2}≠ 1\.4\.2 +sha256:[a-f0-9]{64} -> sha256:[a-f0-9]{64} +drifted$/m)
      expect(text.stdout).toMatch(/not deployed in either: nowhere\n1 image in sync\n.*, 1 in sync\n$/)
      expect(text.stdout).toContain('1 version to promote, 1 version only in prod, 1 drifted version')
    })

    it('requests each list of tags and each common tag once on each side', async () => {
      const registry = await differentEnvironments()
      const project = await warmWorkplace(configOf(registry.host))
      await diff(project, 'staging', 'prod', 'api')
      const heads = ['1', '1.4.2', 'latest'].flatMap((tag) => [
        `HEAD /v2/prod/api/manifests/${tag}`,
        `HEAD /v2/staging/api/manifests/${tag}`,
      ])
      const spelled = ['HEAD /v2/prod/api/manifests/1.4.0', 'HEAD /v2/staging/api/manifests/v1.4.0']
      const lists = ['GET /v2/prod/api/tags/list', 'GET /v2/staging/api/tags/list']
      expect((await registry.requests()).toSorted()).toEqual([...lists, ...heads, ...spelled].toSorted())

      await registry.forget()
      const limited = await diff(project, 'staging', 'prod', 'api', '--limit', '1')
      expect(limited.images).toMatchObject([{ compared: 1, notCompared: 3 }])
      expect((await registry.requests()).filter((line) => line.startsWith('HEAD'))).toHaveLength(2)
    })
  })
}

describe('dray diff with unreachable targets', () => {
  async function equalEnvironments() {
    const registry = await loggedRegistry('oci-1.1')
    for (const environment of ['staging', 'prod'])
      for (const name of ['api', 'web'])
        await registry.oracle.push(image({ label: name }), `${environment}/${name}`, '1.0.0')
    return registry
  }

  it('exits with 4 and compares the other targets, or with 1 if there are none', async () => {
    const { host } = await equalEnvironments()
    const project = await warmWorkplace(configOf(host, [closed, host]))
    const { code, images } = await diff(project, 'staging', 'prod', 'api', 'web', '--detailed-exitcode')
    expect(code).toBe(4)
    expect(images.map(({ image: name, state, error }) => [name, state, error?.code])).toEqual([
      ['api', 'unreachable', 'network'],
      ['api', 'in-sync', undefined],
      ['web', 'unreachable', 'network'],
      ['web', 'in-sync', undefined],
    ])
    const text = await project.run('diff', 'staging', 'prod', 'api', 'web')
    expect(text.stdout).toBe(
      `not compared with prod (${closed}): 2 images\n2 images in sync\nstaging -> prod, 2 images: 2 not compared, 2 in sync\n`,
    )
    expect(text.stderr).toContain(`${closed} (2 repositories): cannot connect`)

    const alone = await warmWorkplace(configOf(host, [closed]))
    expect((await diff(alone, 'staging', 'prod', 'api')).code).toBe(1)
  })

  it('reads the next target of the first environment, with a warning', async () => {
    const { host } = await equalEnvironments()
    const project = await warmWorkplace(configOf(host, [closed, host]))
    const { code, document } = await diff(project, 'prod', 'staging', 'api', 'web')
    expect(code).toBe(0)
    expect(document.warnings).toEqual([expect.stringContaining(`${closed}: cannot connect`)])
  })

  it('shows the finished images after --timeout', async () => {
    const { host } = await equalEnvironments()
    // This registry never answers.
    const mute = await scripted(() => ({ status: 200, raw: () => undefined }))
    const project = await warmWorkplace(configOf(host, [host, mute.registry]))
    const { code, images } = await diff(project, 'staging', 'prod', 'api', '--timeout', '3s')
    expect(code).toBe(4)
    expect(images.map(({ state }) => state)).toEqual(['in-sync', 'unreachable'])
  })
})

it('dray diff of one environment, or of the same one twice, is wrong usage with a hint', async () => {
  const project = await warmWorkplace(configOf(closed))
  for (const args of [['staging'], ['staging', '@staging'], ['staging', 'prod']]) {
    const { code, document } = await project.json('diff', ...args)
    expect(code, args.join(' ')).toBe(64)
    expect(document.error?.hint, args.join(' ')).toBeDefined()
  }
})
