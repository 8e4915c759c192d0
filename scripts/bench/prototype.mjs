/**
 * The least that Node needs for an operation of dray: plain `node:http`, the fewest requests, and
 * no authentication, retries, checks or records. The bench measures it as the floor of dray.
 *
 *     prototype.mjs promote [--referrers] SOURCE DESTINATION
 *     prototype.mjs tag REFERENCE TAG...
 *     prototype.mjs bulk SOURCE/ DESTINATION/ TAG < NAMES
 *
 * References are `HOST:PORT/PATH:TAG`. It is JavaScript, because Node would spend more time on
 * removing types than on an image.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

// An import of node:http also loads the built-in fetch.
const { Agent, request } = process.getBuiltinModule('node:http')

const connections = 16
const imagesAtOnce = 8
const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')
const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'lifo' })

const [command, ...args] = process.argv.slice(2)
if (command === 'promote') await promote(args.at(-2), args.at(-1), args.includes('--referrers'))
else if (command === 'tag') await setTags(args[0], args.slice(1))
else if (command === 'bulk') await promoteMany(...args)
else throw new Error(`no command ${command}`)
agent.destroy()

async function promote(source, destination, withReferrers) {
  const [from, to] = [parseReference(source), parseReference(destination)]
  const [root, existing] = await Promise.all([
    getManifest(from, from.tag),
    send('HEAD', to, `manifests/${to.tag}`, [200, 404]),
  ])
  const digest = digestOf(root.bytes)
  const copiedReferrers = withReferrers ? copyReferrers(from, to, digest) : undefined
  if (existing.headers['docker-content-digest'] !== digest) {
    await copyContent(from, to, root)
    await putManifest(to, to.tag, root)
  }
  await copiedReferrers
}

async function promoteMany(source, destination, tag) {
  const names = readFileSync(0, 'utf8').trim().split('\n')
  const copyNext = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift())
      await promote(`${source}${name}:${tag}`, `${destination}${name}:${tag}`, false)
  }
  await Promise.all(Array.from({ length: imagesAtOnce }, copyNext))
}

async function setTags(reference, tags) {
  const repository = parseReference(reference)
  const manifest = await getManifest(repository, repository.tag)
  await Promise.all(tags.map((tag) => putManifest(repository, tag, manifest)))
}

/** Copies what a manifest refers to: the manifests of an index, or the blobs of an image. */
async function copyContent(from, to, { body }) {
  if (body.manifests === undefined) await mountBlobs(from, to, [body.config, ...body.layers])
  else await copyManifests(from, to, body.manifests)
}

async function copyManifests(from, to, descriptors) {
  await Promise.all(
    descriptors.map(async ({ digest }) => {
      const manifest = await getManifest(from, digest)
      await copyContent(from, to, manifest)
      await putManifest(to, digest, manifest)
    }),
  )
}

/** Copies the referrers that a registry without a referrers API lists under a tag. */
async function copyReferrers(from, to, digest) {
  const tag = digest.replace(':', '-')
  const list = await getManifest(from, tag)
  await copyManifests(from, to, list.body.manifests)
  await putManifest(to, tag, list)
}

async function mountBlobs(from, to, blobs) {
  await Promise.all(
    blobs.map(({ digest }) =>
      send('POST', to, `blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from.path)}`, [201]),
    ),
  )
}

async function getManifest(repository, reference) {
  const { bytes, headers } = await send('GET', repository, `manifests/${reference}`, [200])
  return { bytes, mediaType: headers['content-type'], body: JSON.parse(bytes.toString()) }
}

async function putManifest(repository, reference, { bytes, mediaType }) {
  await send('PUT', repository, `manifests/${reference}`, [201], bytes, { 'content-type': mediaType })
}

function send(method, { hostname, port, path }, rest, expected, body, headers) {
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      hostname,
      port,
      method,
      path: `/v2/${path}/${rest}`,
      headers: { accept, ...headers },
    }
    const sent = request(options, (response) => {
      const chunks = []
      response.on('error', reject)
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        if (expected.includes(response.statusCode)) resolve({ bytes, headers: response.headers })
        else reject(new Error(`${method} ${options.path}: ${response.statusCode} ${bytes.toString()}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function parseReference(reference) {
  const [, hostname, port, path, tag] = /^([^:]+):(\d+)\/([^:]+):(.+)$/.exec(reference)
  return { hostname, port, path, tag }
}

function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
