import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { imageOf, indexOf, type Reply, type Sent, send, started } from './http.ts'
import { tempFolder } from './storage/storages.ts'

const isHere = /^docker-registry .* v?2\.8/.test(
  spawnSync('docker-registry', ['--version'], { encoding: 'utf8' }).stdout ?? '',
)
const blob = 'application/octet-stream'

/** Starts Debian's docker-registry with deletes on, and returns its URL. */
async function realRegistry(): Promise<string> {
  const folder = await tempFolder()
  const config = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0' },
  }
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config))
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  onTestFinished(async () => {
    const gone = once(child, 'exit')
    if (child.kill()) await gone
  })
  for await (const line of createInterface({ input: child.stderr })) {
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
    if (address !== undefined) {
      child.stderr.resume()
      return address
    }
  }
  throw new Error('docker-registry did not start')
}

/** The parts of a response that a client relies on. */
function seen(reply: Reply) {
  const { status, codes, headers } = reply
  const names = ['docker-content-digest', 'range', 'content-range', 'oci-subject', 'oci-tag', 'link']
  const location = (headers['location'] ?? '').replace(/(?<=uploads\/).*/, 'ID')
  const said = Object.fromEntries(names.flatMap((name) => (name in headers ? [[name, headers[name]]] : [])))
  return { status, codes, location: location.replace(/^http:\/\/[^/]+/, 'ORIGIN'), ...said }
}

/** Sends the same requests to one registry, and returns the response to each. */
async function conversation(registry: string): Promise<Record<string, unknown>> {
  const log: Record<string, unknown> = {}
  const ask = async (what: string, method: string, path: string, sent?: Sent): Promise<Reply> => {
    const reply = await send(registry, method, path, sent)
    log[what] = seen(reply)
    return reply
  }
  const pathOf = (reply: Reply) => (reply.headers['location'] ?? '').replace(/^http:\/\/[^/]+/, '')
  const chunk = (body: string, range?: string): Sent => ({
    headers: { 'content-type': blob, ...(range !== undefined && { 'content-range': range }) },
    body,
  })
  const push = async (content: string, algorithm?: 'sha512') => {
    const opened = await send(registry, 'POST', '/v2/a/blobs/uploads/')
    const end = `${pathOf(opened)}&digest=${digestOf(content, algorithm)}`
    return ask(`push ${content} ${algorithm ?? ''}`, 'PUT', end, chunk(content))
  }
  const layer = digestOf('layer')
  const config = digestOf('{}')
  await ask('base', 'GET', '/v2/')
  await ask('tags of nothing', 'GET', '/v2/a/tags/list')
  await ask('single POST', 'POST', `/v2/a/blobs/uploads/?digest=${layer}`, chunk('layer'))
  await push('layer')
  await push('{}')
  await ask('HEAD blob', 'HEAD', `/v2/a/blobs/${layer}`)
  await ask('range', 'GET', `/v2/a/blobs/${layer}`, { headers: { range: 'bytes=1-2' } })
  // A range after the end is omitted: the real registry announces a body with its 416 and does not
  // send it.
  await ask('blob elsewhere', 'GET', `/v2/b/blobs/${layer}`)
  await ask('bad digest', 'GET', '/v2/a/blobs/sha256:x')
  await ask('mount', 'POST', `/v2/b/blobs/uploads/?mount=${layer}&from=a`)
  await ask('mount without from', 'POST', `/v2/b/blobs/uploads/?mount=${config}`)
  await ask('mount of nothing', 'POST', `/v2/b/blobs/uploads/?mount=${digestOf('no')}&from=a`)

  const opened = await ask('open', 'POST', '/v2/a/blobs/uploads/')
  const patched = await ask('chunk, wrong range', 'PATCH', pathOf(opened), chunk('hello', '7-11'))
  await ask('older location', 'GET', pathOf(opened))
  await ask('newer location', 'GET', pathOf(patched))
  await ask('cancel', 'DELETE', pathOf(patched))
  await ask('cancelled', 'GET', pathOf(patched))
  const wrong = await send(registry, 'POST', '/v2/a/blobs/uploads/')
  await ask('wrong digest', 'PUT', `${pathOf(wrong)}&digest=${digestOf('other')}`, chunk('bytes'))

  const manifest = JSON.stringify(imageOf(config, layer, 5))
  const digest = digestOf(manifest)
  const as = (body: string, type: string = mediaTypes.manifest) => ({
    headers: { 'content-type': type },
    body,
  })
  await ask('put by tag', 'PUT', '/v2/a/manifests/1', as(manifest))
  await ask('put by digest with tags', 'PUT', `/v2/a/manifests/${digest}?tag=x&tag=y`, as(manifest))
  await ask('a tag of those', 'GET', '/v2/a/manifests/x')
  await ask('put by another digest', 'PUT', `/v2/a/manifests/${layer}`, as(manifest))
  await ask('put by sha512', 'PUT', `/v2/a/manifests/${digestOf(manifest, 'sha512')}`, as(manifest))
  await ask('put as an index', 'PUT', '/v2/a/manifests/2', as(manifest, mediaTypes.index))
  await ask('put no JSON', 'PUT', '/v2/a/manifests/2', as('{'))
  const without = JSON.stringify(imageOf(config, digestOf('no'), 5))
  await ask('put without its layer', 'PUT', '/v2/a/manifests/2', as(without))
  const child = { mediaType: mediaTypes.manifest, digest: digestOf('no'), size: 5 }
  const childless = JSON.stringify(indexOf([child]))
  await ask('put without its child', 'PUT', '/v2/a/manifests/2', as(childless, mediaTypes.index))
  const subject = { mediaType: mediaTypes.manifest, digest, size: manifest.length }
  const referrer = JSON.stringify(imageOf(config, layer, 5, { subject }))
  await ask('put a referrer', 'PUT', '/v2/a/manifests/referrer', as(referrer))
  await ask('referrers', 'GET', `/v2/a/referrers/${digest}`)
  await ask('GET by tag', 'GET', '/v2/a/manifests/1', { headers: { accept: mediaTypes.manifest } })
  await ask('GET as another type', 'GET', '/v2/a/manifests/1', {
    headers: { accept: mediaTypes.dockerManifest },
  })
  await ask('HEAD of nothing', 'HEAD', '/v2/a/manifests/nothing')
  await ask('GET of nothing', 'GET', '/v2/a/manifests/nothing')
  await ask('tags', 'GET', '/v2/a/tags/list?n=1')

  await ask('delete a tag', 'DELETE', '/v2/a/manifests/1')
  await ask('delete a manifest', 'DELETE', `/v2/a/manifests/${digest}`)
  await ask('its tag', 'GET', '/v2/a/manifests/1')
  await ask('delete it again', 'DELETE', `/v2/a/manifests/${digest}`)
  await ask('delete a blob', 'DELETE', `/v2/a/blobs/${layer}`)
  await ask('delete the blob again', 'DELETE', `/v2/a/blobs/${layer}`)
  return log
}

describe.skipIf(!isHere)(
  `the profile docker-registry-2.8${isHere ? '' : ' (skipped: docker-registry 2.8 is not installed)'}`,
  () => {
    it('answers a conversation as the real registry does', async () => {
      const { registry } = await started({ profile: 'docker-registry-2.8' })
      expect(await conversation(registry)).toEqual(await conversation(await realRegistry()))
    })
  },
)
