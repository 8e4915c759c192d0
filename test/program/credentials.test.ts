import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { dockerRegistry, startDockerRegistry, testUser } from '../support/docker-registry.ts'
import { startGuardedRegistry, workplaceWithLogin, secret, user } from '../support/guarded-registry.ts'
import { cosignSignature, index, referrer, together } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import type { Ended } from '../support/program.ts'
import { testAuthority, testCertificate } from '../support/tls.ts'
import { toProd, warmWorkplace, type Workplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

/** Checks that neither the output nor the log contains the password, a header or a token. */
async function expectNoSecret(
  project: Workplace,
  ended: Ended,
  tokens: readonly string[] = [],
): Promise<void> {
  const recorded = await readFile(project.auditFile, 'utf8').catch(() => '')
  const all = [ended.stdout, ended.stderr, recorded].join('\n')
  const pair = Buffer.from(`${user}:${secret}`).toString('base64')
  for (const hidden of [secret, pair, 'Bearer ', 'Basic ', ...tokens]) expect(all).not.toContain(hidden)
}

describe('a promotion at a registry with a token server', () => {
  it('needs one challenge and one token for its two repositories, and prints no secret', async () => {
    const registry = await startGuardedRegistry({ scheme: 'bearer' })
    const project = await workplaceWithLogin(registry.name, secret)
    const ended = await project.run(...toProd('api:1.4.2'), '--verbose')
    expect(ended).toMatchObject({ code: 0 })
    expect(registry.refusals()).toBe(1)
    expect(registry.scopes()).toEqual(['repository:prod/api:pull,push repository:staging/api:pull'])
    await expectNoSecret(project, ended)
  })

  it('does not request the permission to push with --dry-run', async () => {
    const registry = await startGuardedRegistry({ scheme: 'bearer' })
    const project = await workplaceWithLogin(registry.name, secret)
    expect(
      await project.run('promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--dry-run'),
    ).toMatchObject({
      code: 0,
    })
    expect(registry.scopes()).toEqual(['repository:prod/api:pull repository:staging/api:pull'])
  })

  it('renews a token that expires early', async () => {
    let skew = 0
    let count = 0
    const registry = await startGuardedRegistry(
      { scheme: 'bearer' },
      {
        clock: { ...systemClock, now: () => Date.now() + skew },
        // After an hour all tokens have expired.
        onRequest: () => {
          if ([6, 30].includes(++count)) skew += 3_600_000
        },
      },
    )
    const project = await workplaceWithLogin(registry.name, secret)
    expect(await project.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    expect(registry.refusals()).toBeGreaterThan(1)
  })

  it.each([
    [
      'ends with `unauthorized` if the password is wrong',
      'wrong',
      undefined,
      'unauthorized',
      'refused the credentials',
    ],
    [
      'says that valid credentials lack the permission',
      secret,
      () => false,
      'unauthorized',
      'do not have this permission',
    ],
  ] as const)('%s', async (_, password, mayDo, code, why) => {
    const registry = await startGuardedRegistry({
      scheme: 'bearer',
      ...(mayDo !== undefined && { mayDo }),
    })
    const project = await workplaceWithLogin(registry.name, password)
    const ended = await project.json(...toProd('api:1.4.2'))
    expect(ended.code).toBe(1)
    expect(ended.document.error).toMatchObject({ code, why: expect.stringContaining(why) })
    await expectNoSecret(project, ended)
  })
})

describe('a promotion at a registry with basic authentication', () => {
  it('needs one challenge, and prints no secret', async () => {
    const registry = await startGuardedRegistry({ scheme: 'basic' })
    const project = await workplaceWithLogin(registry.name, secret)
    const ended = await project.run(...toProd('api:1.4.2'), '--verbose')
    expect(ended).toMatchObject({ code: 0 })
    expect(registry.refusals()).toBe(1)
    await expectNoSecret(project, ended)
  })

  it('ends with `forbidden` and names the missing permission to push', async () => {
    const registry = await startGuardedRegistry({
      scheme: 'basic',
      mayDo: (_who, _, action) => action === 'pull',
    })
    const project = await workplaceWithLogin(registry.name, secret)
    const ended = await project.json(...toProd('api:1.4.2'))
    const [image] = ended.document.result?.images ?? []
    expect(ended.code).toBe(1)
    expect(image?.errors?.[0]).toMatchObject({
      code: 'forbidden',
      hint: expect.stringContaining('pull and push in prod/api'),
    })
    await expectNoSecret(project, ended)
  })
})

describe.skipIf(!dockerRegistry.available)(
  `a docker-registry with a password file and a private certificate authority${dockerRegistry.note}`,
  () => {
    it('accepts the credentials of docker, and a wrong password or unknown authority is an error with a hint', async () => {
      const registry = await startDockerRegistry({
        htpasswd: testUser.htpasswd,
        tls: { certificate: testCertificate.cert, key: testCertificate.key },
      })
      onTestFinished(() => registry.stop())
      const oracle = new Oracle(registry.url, { authorization: testUser.authorization, ca: testAuthority })
      const root = await oracle.push(index(['amd64', 'arm64']), 'staging/api', '1.4.2')
      const trust = `registries: { "${registry.host}": { ca: ca.pem, insecure: false } }`

      const project = await workplaceWithLogin(registry.host, testUser.password, trust)
      await writeFile(join(project.folder, 'ca.pem'), testAuthority)
      expect(await project.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
      expect((await oracle.manifest('prod/api', '1.4.2'))?.digest).toBe(root.digest)

      const wrong = await workplaceWithLogin(registry.host, 'wrong', trust)
      await writeFile(join(wrong.folder, 'ca.pem'), testAuthority)
      expect((await wrong.json(...toProd('api:1.4.2'))).document.error).toMatchObject({
        code: 'unauthorized',
        hint: expect.stringContaining(`dray login ${registry.host}`),
      })
      const stranger = await workplaceWithLogin(
        registry.host,
        testUser.password,
        `registries: { "${registry.host}": { insecure: false } }`,
      )
      expect((await stranger.json(...toProd('api:1.4.2'))).document.error).toMatchObject({
        code: 'network',
        hint: expect.stringContaining(`"${registry.host}": { ca: `),
      })
    })

    it('accepts a login of dray and a promotion with all evidence from another one', async () => {
      const options = {
        htpasswd: testUser.htpasswd,
        tls: { certificate: testCertificate.cert, key: testCertificate.key },
      }
      const [from, to] = await Promise.all([startDockerRegistry(options), startDockerRegistry(options)])
      onTestFinished(async () => void (await Promise.all([from.stop(), to.stop()])))
      const known = { authorization: testUser.authorization, ca: testAuthority }
      const [source, target] = [new Oracle(from.url, known), new Oracle(to.url, known)]
      const main = index(['amd64', 'arm64'], { layers: 2 })
      const sbom = referrer(main)
      const content = together(main, sbom, referrer(sbom, { payload: 'signed' }), cosignSignature(main))
      await source.push(content, 'staging/api', '1.4.2')

      const hosts = [from.host, to.host]
      const trust = Object.fromEntries(hosts.map((host) => [host, { ca: 'ca.pem', insecure: false }]))
      const project = await warmWorkplace(
        JSON.stringify({ ...JSON.parse(configOf(from.host, [to.host])), registries: trust }),
      )
      await writeFile(join(project.folder, 'ca.pem'), testAuthority)
      for (const host of hosts) {
        const args = ['login', host, '--username', testUser.username, '--password-stdin']
        expect(await project.run(...args)).toMatchObject({ code: 64 })
        expect(await project.piped(testUser.password, ...args)).toMatchObject({ code: 0 })
      }
      expect(await project.run(...toProd('api:1.4.2', '--verify'))).toMatchObject({ code: 0 })
      expect(await target.differences('prod/api', content, '1.4.2')).toEqual([])
      const doctor = await project.run('doctor', `${to.host}/prod/api`)
      expect(doctor).toMatchObject({ code: 0 })
      expect(doctor.stdout).toMatch(/ok +TLS +TLSv1\.[23], localhost, issued by dray test authority/)
    })
  },
)
