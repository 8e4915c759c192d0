import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startRegistry } from '../../src/embedded/server.ts'
import { image } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { warmDray, warmDrayJson } from '../support/program.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { startGuardedRegistry, workplaceWithLogin, secret } from '../support/guarded-registry.ts'
import { tempFolder } from '../support/temp.ts'
import { testAuthority, testCertificate } from '../support/tls.ts'

async function started() {
  const methods: string[] = []
  const running = await startRegistry({ onRequest: ({ method }) => methods.push(method) })
  onTestFinished(() => running.close())
  return { host: running.registry, oracle: new Oracle(running.registry), methods }
}

interface Document {
  readonly result: readonly {
    readonly findings: readonly { check: string; state: string; saw: string; hint?: string }[]
  }[]
}

async function stateOf(args: readonly string[], check: string): Promise<unknown> {
  const { document } = await warmDrayJson(args)
  const [diagnosis] = (document as unknown as Document).result
  return diagnosis?.findings.find((finding) => finding.check === check)
}

it('a registry without problems ends with 0 after read requests only', async () => {
  const one = await started()
  await one.oracle.push(image(), 'team/api', '1.4.2')
  one.methods.length = 0
  const ended = await warmDray(['doctor', `${one.host}/team/api`])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toContain('referrers API    yes, observed')
  expect(new Set(one.methods)).toEqual(new Set(['GET', 'HEAD']))
})

it('--write tries an upload and removes what it wrote', async () => {
  const one = await started()
  const ended = await warmDray(['doctor', '--write', `${one.host}/scratch/dray`])
  expect(ended).toMatchObject({ code: 0 })
  expect(ended.stdout).toContain('resumed uploads  yes, tested')
  expect(await one.oracle.tags('scratch/dray')).toEqual([])
})

it('--write needs --yes for a repository of an environment', async () => {
  const registry = await startGuardedRegistry({ scheme: 'bearer' })
  const place = await workplaceWithLogin(registry.name, secret)
  const args = ['doctor', '--write', `${registry.name}/staging/api`]
  expect(await place.run(...args)).toMatchObject({ code: 3 })
  expect(registry.scopes()).toEqual([])
  expect(await place.run(...args, '--yes')).toMatchObject({ code: 0 })
})

it('every registry of dray.yaml is checked with its credentials if none is named', async () => {
  const registry = await startGuardedRegistry({ scheme: 'bearer' })
  const place = await workplaceWithLogin(registry.name, secret)
  const ended = await place.run('doctor')
  expect(ended).toMatchObject({ code: 0 })
  expect(ended.stdout).toContain('user ada, from ')
  expect(ended.stdout + ended.stderr).not.toContain(secret)
})

it('wrong credentials end with 1', async () => {
  const registry = await startGuardedRegistry({ scheme: 'bearer' })
  const place = await workplaceWithLogin(registry.name, 'wrong')
  const ended = await place.run('doctor', registry.name)
  expect(ended).toMatchObject({ code: 1 })
  expect(ended.stdout).toMatch(/problem +API/)
})

it('a closed port and a server that is not a registry are problems with a hint', async () => {
  expect(await stateOf(['doctor', '127.0.0.1:9'], 'connection')).toMatchObject({
    state: 'problem',
    hint: expect.stringContaining('Check the name and the port'),
  })
  const page = await scriptedServer(
    (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  )
  onTestFinished(() => page[Symbol.asyncDispose]())
  expect(await stateOf(['doctor', page.host], 'api')).toMatchObject({
    state: 'problem',
    saw: expect.stringContaining('web page'),
  })
})

it('an authority in certs.d is trusted', async () => {
  const server = await scriptedServer((_, response) => void response.end('{}'), { tls: testCertificate })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const home = await tempFolder()
  const certificates = join(home, '.config/containers/certs.d', server.host)
  await mkdir(certificates, { recursive: true })
  await writeFile(join(certificates, 'ca.crt'), testAuthority)
  await writeFile(
    join(home, 'dray.yaml'),
    JSON.stringify({ version: 1, registries: { [server.host]: { insecure: false } } }),
  )
  const ended = await warmDray(['doctor', server.host], { cwd: home, env: { HOME: home } })
  expect(ended.stdout).toMatch(/ok +TLS/)
  expect(ended.stdout).toMatch(/ok +API/)
})

it('a run without a registry is wrong usage', async () => {
  expect(await warmDray(['doctor'])).toMatchObject({ code: 64, stdout: '' })
})
