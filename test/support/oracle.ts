import { sha256, type Content, type Descriptor, type StoredManifest, types } from './images.ts'
import { type Answer, exchange, hashOf, type RequestOptions } from './wire.ts'

export interface OracleOptions {
  /** `Basic …` or `Bearer …`, sent with every request */
  readonly authorization?: string
  /** PEM */
  readonly ca?: string
}

export interface ServedManifest {
  /** the hash of the bytes */
  readonly digest: string
  readonly bytes: Buffer
  readonly contentType: string
}

interface ManifestBody {
  readonly mediaType?: string
  readonly manifests?: readonly Descriptor[]
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
  readonly blobs?: readonly Descriptor[]
  readonly subject?: Descriptor
}

const accept = [
  types.index,
  types.manifest,
  types.artifact,
  types.orasArtifact,
  types.dockerIndex,
  types.dockerManifest,
].join(', ')

/**
 * Checks from outside whether a registry has the content that dray promises, with plain HTTP and
 * `node:crypto` and without code of `src/`. An unexpected response is an `Error` with status and
 * body.
 */
export class Oracle {
  readonly url: string
  readonly #options: OracleOptions

  /** @param url `http://127.0.0.1:5000` or `127.0.0.1:5000` */
  constructor(url: string, options: OracleOptions = {}) {
    this.url = (url.includes('://') ? url : `http://${url}`).replace(/\/$/, '')
    this.#options = options
  }

  /** `host:port`, as in a reference */
  get host(): string {
    return new URL(this.url).host
  }

  /** Sends a request. `path` is relative to the registry (`/v2/…`) or a URL. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    return await exchange(method, new URL(path, this.url), this.#with(options))
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return await this.request('GET', path, { headers })
  }

  /**
   * Pushes blobs, manifests by digest, evidence under its tag, and the root under `tags`. Adds
   * referrers to the fallback tag if the registry does not list them.
   */
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

  /** Deletes a tag or a manifest. */
  async delete(repository: string, at: string): Promise<void> {
    expectStatus(await this.request('DELETE', `/v2/${repository}/manifests/${at}`), 202)
  }

  async deleteBlob(repository: string, digest: string): Promise<void> {
    expectStatus(await this.request('DELETE', `/v2/${repository}/blobs/${digest}`), 202)
  }

  /** The manifest of a tag or digest; undefined for 404. */
  async manifest(repository: string, at: string): Promise<ServedManifest | undefined> {
    const answer = await this.get(`/v2/${repository}/manifests/${at}`, { accept })
    if (answer.status === 404) return undefined
    expectStatus(answer, 200)
    const contentType = (answer.headers['content-type'] ?? '').split(';')[0] ?? ''
    return { digest: sha256(answer.body), bytes: answer.body, contentType }
  }

  /** The computed digest of a tag; undefined if it does not exist. */
  async digest(repository: string, tag: string): Promise<string | undefined> {
    return (await this.manifest(repository, tag))?.digest
  }

  /** All tags, sorted; empty if the repository does not exist. */
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

  /** The digests of the referrers API, sorted; undefined if the registry has no such API. */
  async referrersByApi(repository: string, subject: string): Promise<string[] | undefined> {
    const answer = await this.get(`/v2/${repository}/referrers/${subject}`)
    if (answer.status === 404) return undefined
    return childDigests(expectStatus(answer, 200).body)
  }

  /** The digests of the fallback tag, sorted; undefined if it does not exist. */
  async referrersByTag(repository: string, subject: string): Promise<string[] | undefined> {
    const found = await this.manifest(repository, subject.replace(':', '-'))
    return found === undefined ? undefined : childDigests(found.bytes)
  }

  /** The digests of both, sorted and without duplicates. */
  async referrers(repository: string, subject: string): Promise<string[]> {
    const byApi = (await this.referrersByApi(repository, subject)) ?? []
    const byTag = (await this.referrersByTag(repository, subject)) ?? []
    return [...new Set([...byApi, ...byTag])].sort()
  }

  /**
   * The problems of the image of a tag or digest: each child, config and layer must exist with the
   * size and digest of its descriptor. A missing tag is a problem too.
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
      const blobs = [body.config ?? [], body.layers ?? [], body.blobs ?? []].flat()
      for (const blob of blobs) {
        if (seen.has(blob.digest)) continue
        seen.add(blob.digest)
        complaints.push(...(await this.#blobComplaints(repository, blob)))
      }
    }
    await walk(at)
    return complaints
  }

  /** Like `complaints`, and compares the image and its evidence with `content`. */
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

  /** Updates the fallback tag (distribution-spec, Pushing Manifests with Subject). */
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
