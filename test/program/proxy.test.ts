import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startRegistry } from '../../src/embedded/server.ts'
import { image } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { dray } from '../support/program.ts'
import { testProxy } from '../support/proxy.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { tempFolder } from '../support/temp.ts'
import { testAuthority, testCertificate } from '../support/tls.ts'

const config = 'version: 1\nregistries: { "registry.test:5000": { insecure: true } }\n'

async function behindProxy(answer?: number) {
  const running = await startRegistry()
  onTestFinished(() => running.close())
  await new Oracle(running.registry).push(image(), 'team/api', '1.4.2')
  const proxy = await testProxy(running.registry, answer)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), config)
  const run = (env: Readonly<Record<string, string>>) =>
    dray(['ls', 'registry.test:5000/team/api', '--verbose'], { cwd: folder, env })
  return { proxy, run, url: `http://ada:canary@${proxy.host}` }
}

it('the proxy of HTTP_PROXY is used, and reported once without its password', async () => {
  const { proxy, run, url } = await behindProxy()
  const ended = await run({ HTTP_PROXY: url })
  expect(ended).toMatchObject({ code: 0 })
  expect(ended.stdout).toContain('1.4.2')
  const line = `Requests to http://registry.test:5000 use the proxy http://${proxy.host} (HTTP_PROXY)`
  expect(ended.stderr.split(line)).toHaveLength(2)
  expect(ended.stdout + ended.stderr).not.toMatch(/canary|Y2FuYXJ5/)
})

it('NODE_EXTRA_CA_CERTS is trusted in addition to the authorities of dray.yaml', async () => {
  const server = await scriptedServer((_, response) => void response.end('{"tags":[]}'), {
    tls: testCertificate,
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const folder = await tempFolder()
  await writeFile(join(folder, 'ca.pem'), testAuthority)
  await writeFile(join(folder, 'other.pem'), testCertificate.cert)
  const registries = { [server.host]: { insecure: false, ca: 'other.pem' } }
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify({ version: 1, registries }))
  const args = ['ls', `${server.host}/team/api`]
  expect(await dray(args, { cwd: folder })).toMatchObject({ code: 1 })
  const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
  expect(await dray(args, { cwd: folder, env })).toMatchObject({ code: 0 })
})
