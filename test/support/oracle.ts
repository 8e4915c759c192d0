import { sha256, type Content, type Descriptor, type StoredManifest, types } from './images.ts'
import { type Answer, exchange, hashOf, type RequestOptions } from './wire.ts'

export interface OracleOptions {
  /** `Basic …` or `Bearer …`, sent with every request */
  readonly authorization?: string
  /** PEM */
  readonly ca?: string
}

export interface ServedManifest {
  /** the hash of the bytes, whatever the registry says */
  readonly digest: string
  readonly bytes: Buffer
  readonly contentType: string
}

interface ManifestBody {
  readonly mediaType?: string
  readonly manifests?: readonly Descriptor[]
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
  readonly subject?: Descriptor
}

const accept = [types.index, types.manifest, types.dockerIndex, types.dockerManifest].join(', ')

/**
 * Looks at a registry from outside and decides whether the promises of the product hold: plain HTTP and `node:crypto`,
 * no code of `src/`. An answer that it does not expect is an `Error` with the status and the body.
 */
export class Oracle {
  readonly url: string
  readonly #options: OracleOptions

  /** @param url `http://127.0.0.1:5000`, or `127.0.0.1:5000` for the same */
  constructor(url: string, options: OracleOptions = {}) {
    this.url = (url.includes('://') ? url : `http://${url}`).replace(/\/$/, '')
    this.#options = options
  }

  /** `host:port`, as it stands in a reference */
  get host(): string {
    return new URL(this.url).host
  }

  /** Any request; `path` is relative to the registry (`/v2/…`) or a whole URL. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    return await exchange(method, new URL(path, this.url), this.#with(options))
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return await this.request('GET', path, { headers })
  }

  /** Pushes blobs, manifests by digest, evidence under its tag, and the root under `tags`. Referrers are listed under the fallback tag where the registry does not list them. */
  async push(content: Content, repository: string, ...tags: readonly string[]): Promise<Descriptor> {
    await Promise.all([...content.blobs].map(([digest, bytes]) => this.pushBlob(repository, digest, bytes)))
    for (const manifest of content.manifests) {
      const answer = await this.putManifest(repository, manifest.tag ?? manifest.descriptor.digest, manifest)
      if (manifest.subject !== undefined && answer.headers['oci-subject'] === undefined) {
        await this.#listReferrer(repository, manifest.subject, manifest.descriptor)
      }
    }
    const root = content.manifests.find((m) => m.descriptor.digest === content.root.digest)
    for (const tag of root === undefined ? [] : tags)
      await this.putManifest(repository, tag, root as StoredManifest)
    return content.root
  }

  async pushBlob(repository: string, digest: string, bytes: Uint8Array): Promise<void> {
    const begun = await this.request('POST', `/v2/${repository}/blobs/uploads/`)
    if (begun.status === 201) return
    const to = new URL(expectStatus(begun, 202).headers.location ?? '', this.url)
    to.searchParams.set('digest', digest)
    const headers = { 'content-type': 'application/octet-stream' }
    expectStatus(await this.request('PUT', to.href, { headers, body: bytes }), 201)
  }

  async putManifest(
    repository: string,
    at: string,
    manifest: Pick<StoredManifest, 'bytes' | 'descriptor'>,
  ): Promise<Answer> {
    const headers = { 'content-type': manifest.descriptor.mediaType }
    const path = `/v2/${repository}/manifests/${at}`
    return expectStatus(await this.request('PUT', path, { headers, body: manifest.bytes }), 201)
  }

  /** Takes a tag away where the registry can, or whatever `at` names by digest. */
  async delete(repository: string, at: string): Promise<void> {
    expectStatus(await this.request('DELETE', `/v2/${repository}/manifests/${at}`), 202)
  }

  async deleteBlob(repository: string, digest: string): Promise<void> {
    expectStatus(await this.request('DELETE', `/v2/${repository}/blobs/${digest}`), 202)
  }

  /** The manifest under a tag or digest; undefined where it is not there (404 only). */
  async manifest(repository: string, at: string): Promise<ServedManifest | undefined> {
    const answer = await this.get(`/v2/${repository}/manifests/${at}`, { accept })
    if (answer.status === 404) return undefined
    expectStatus(answer, 200)
    const contentType = (answer.headers['content-type'] ?? '').split(';')[0] ?? ''
    return { digest: sha256(answer.body), bytes: answer.body, contentType }
  }

  /** The digest of what a tag gives, hashed here; undefined where it is absent. */
  async digest(repository: string, tag: string): Promise<string | undefined> {
    return (await this.manifest(repository, tag))?.digest
  }

  /** All tags, sorted; empty where the repository is not there. */
  async tags(repository: string): Promise<string[]> {
    const tags: string[] = []
    let path: string | undefined = `/v2/${repository}/tags/list`
    while (path !== undefined) {
      const answer: Answer = await this.get(path)
      if (answer.status === 404) return []
      tags.push(
        ...((JSON.parse(expectStatus(answer, 200).body.toString()) as { tags: string[] | null }).tags ?? []),
      )
      path = nextPage(answer, new URL(path, this.url).href)
    }
    return tags.sort()
  }

  /** The digests that the referrers API lists, sorted; undefined where the registry has no such API. */
  async referrersByApi(repository: string, subject: string): Promise<string[] | undefined> {
    const answer = await this.get(`/v2/${repository}/referrers/${subject}`)
    if (answer.status === 404) return undefined
    return childDigests(expectStatus(answer, 200).body)
  }

  /** The digests in the index under the fallback tag, sorted; undefined where there is no such tag. */
  async referrersByTag(repository: string, subject: string): Promise<string[] | undefined> {
    const found = await this.manifest(repository, subject.replace(':', '-'))
    return found === undefined ? undefined : childDigests(found.bytes)
  }

  /** Both together, sorted, without repetition. */
  async referrers(repository: string, subject: string): Promise<string[]> {
    const byApi = (await this.referrersByApi(repository, subject)) ?? []
    const byTag = (await this.referrersByTag(repository, subject)) ?? []
    return [...new Set([...byApi, ...byTag])].sort()
  }

  /**
   * What is missing or wrong in the image under a tag or digest: every child, config and layer must be there, with the
   * size and digest that its parent gives. Empty means complete. A tag that is not there is a complaint too.
   */
  async complaints(repository: string, at: string): Promise<string[]> {
    const complaints: string[] = []
    const seen = new Set<string>()
    const walk = async (ref: string, expected?: Descriptor): Promise<void> => {
      if (seen.has(ref)) return
      seen.add(ref)
      const found = await this.manifest(repository, ref)
      if (found === undefined) return void complaints.push(`${ref}: manifest is not there`)
      if (expected !== undefined && found.digest !== expected.digest)
        complaints.push(`${ref}: manifest hashes to ${found.digest}`)
      if (expected !== undefined && found.bytes.byteLength !== expected.size)
        complaints.push(`${ref}: manifest has ${found.bytes.byteLength} bytes`)
      const body = JSON.parse(found.bytes.toString()) as ManifestBody
      if (body.mediaType !== undefined && body.mediaType !== found.contentType)
        complaints.push(`${ref}: served as ${found.contentType}`)
      for (const child of body.manifests ?? []) await walk(child.digest, child)
      const blobs = [...(body.config === undefined ? [] : [body.config]), ...(body.layers ?? [])]
      for (const blob of blobs) {
        if (seen.has(blob.digest)) continue
        seen.add(blob.digest)
        complaints.push(...(await this.#blobComplaints(repository, blob)))
      }
    }
    await walk(at)
    return complaints
  }

  /** Like `complaints` for content that is known: the image is there byte for byte, and everything else that `content` brings (evidence) too. */
  async differences(repository: string, content: Content, tag?: string): Promise<string[]> {
    const differences = await this.complaints(repository, tag ?? content.root.digest)
    const tagged = tag === undefined ? content.root.digest : await this.digest(repository, tag)
    if (tagged !== content.root.digest) differences.push(`${tag}: is ${tagged}, not ${content.root.digest}`)
    for (const { descriptor, tag: own, subject } of content.manifests) {
      const found = await this.manifest(repository, own ?? descriptor.digest)
      if (found?.digest !== descriptor.digest)
        differences.push(`${own ?? descriptor.digest}: is ${found?.digest}`)
      else if (descriptor.digest !== content.root.digest)
        differences.push(...(await this.complaints(repository, descriptor.digest)))
      if (subject === undefined) continue
      if (!(await this.referrers(repository, subject)).includes(descriptor.digest))
        differences.push(`${descriptor.digest}: is not listed as a referrer of ${subject}`)
    }
    return differences
  }

  async #blobComplaints(repository: string, blob: Descriptor): Promise<string[]> {
    const url = new URL(`/v2/${repository}/blobs/${blob.digest}`, this.url)
    const { status, size, digest } = await hashOf(url, this.#with({}))
    if (status !== 200) return [`${blob.digest}: blob is answered with ${status}`]
    if (size !== blob.size) return [`${blob.digest}: blob has ${size} bytes, not ${blob.size}`]
    return digest === blob.digest ? [] : [`${blob.digest}: blob hashes to ${digest}`]
  }

  /** The client's duty where a registry has no referrers API (distribution-spec, Pushing Manifests with Subject). */
  async #listReferrer(repository: string, subject: string, referrer: Descriptor): Promise<void> {
    const tag = subject.replace(':', '-')
    const old = await this.manifest(repository, tag)
    const before =
      old === undefined ? [] : ((JSON.parse(old.bytes.toString()) as ManifestBody).manifests ?? [])
    if (before.some((d) => d.digest === referrer.digest)) return
    const fields = { schemaVersion: 2, mediaType: types.index, manifests: [...before, referrer] }
    const bytes = Buffer.from(JSON.stringify(fields))
    const descriptor = { mediaType: types.index, digest: sha256(bytes), size: bytes.byteLength }
    await this.putManifest(repository, tag, { bytes, descriptor })
  }

  #with(options: RequestOptions): RequestOptions {
    const { authorization, ca } = this.#options
    return {
      ...options,
      headers: { ...options.headers, ...(authorization !== undefined && { authorization }) },
      ...(ca !== undefined && { ca }),
    }
  }
}

function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer
  throw new Error(`expected ${status}, was ${answer.status}: ${answer.body.toString().slice(0, 500)}`)
}

function nextPage(answer: Answer, from: string): string | undefined {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(answer.headers['link'] ?? ''))?.[1]
  return next === undefined ? undefined : new URL(next, from).href
}

function childDigests(bytes: Buffer): string[] {
  return ((JSON.parse(bytes.toString()) as ManifestBody).manifests ?? []).map((d) => d.digest).sort()
}
