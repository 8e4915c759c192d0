import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { injuringProxy, type Injury, type ProxiedRequest } from '../faulty-proxy.ts'
import {
  artifact,
  body,
  type Content,
  cosignSignature,
  type Descriptor,
  image,
  index,
  manifestOf,
  referrer,
  together,
  types,
} from '../images.ts'
import type { Oracle } from '../oracle.ts'
import { type Ended, warmDray } from '../program.ts'
import { makeFolder, removeFolder } from '../temp.ts'
import { watchedRegistry } from '../world.ts'
import type { CorpusCase, OddAnswer, StoredImage } from './corpus-case.ts'

type EvidenceKind = NonNullable<StoredImage['evidence']>[number]

/** What the commands of a case left behind. The registry runs until this is disposed of. */
export interface Replayed extends AsyncDisposable {
  /** of the last command */
  readonly ended: Ended
  readonly oracle: Oracle
  readonly contents: ReadonlyMap<string, Content>
  /** the requests of all commands: `METHOD PATH?QUERY` */
  readonly requests: readonly string[]
}

/** Starts the registry of a case behind its odd answers, and runs its commands. */
export async function replay(one: CorpusCase): Promise<Replayed> {
  await using stack = new AsyncDisposableStack()
  const registry = stack.use(await watchedRegistry(one.registry))
  const contents = await store(one.content, registry.oracle)
  const fill = filler(contents)
  const odd = new OddAnswers(one.answers, (text) => place(text))
  const proxy = stack.use(await injuringProxy(registry.host, { choose: (request) => odd.choose(request) }))
  const place = (text: string): string =>
    fill(text)
      .replaceAll('REGISTRY', proxy.host)
      .replaceAll('STORAGE', proxy.host.replace('127.0.0.1', 'localhost'))
  const folder = await makeFolder('dray-corpus-')
  stack.defer(() => removeFolder(folder))
  await writeFiles(one, folder, place)
  const options = {
    cwd: folder,
    env: { HOME: folder, DRAY_AUDIT_FILE: join(folder, 'audit.jsonl'), ...one.env },
  }
  let ended: Ended = { code: null, stdout: '', stderr: '' }
  for (const args of one.run) ended = await warmDray(args.map(place), options)
  const requests = proxy.passed.map(({ method, path }) => `${method} ${path}`)
  const kept = stack.move()
  return {
    ended,
    oracle: registry.oracle,
    contents,
    requests,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Whether a request is of the form `METHOD PATH`, where PATH is a regular expression. */
export function matchesRequest(form: string, method: string, path: string): boolean {
  const [wanted = '', pattern = ''] = form.split(' ')
  return (wanted === '*' || wanted === method) && new RegExp(pattern).test(path)
}

/** Splits `repository:tag`. */
export function splitName(name: string): readonly [repository: string, tag: string] {
  const at = name.lastIndexOf(':')
  return [name.slice(0, at), name.slice(at + 1)]
}

async function writeFiles(one: CorpusCase, folder: string, place: (text: string) => string): Promise<void> {
  const { credentials, configuration } = one
  if (credentials !== undefined) {
    await mkdir(join(folder, '.docker'))
    const text = typeof credentials === 'string' ? credentials : JSON.stringify(credentials)
    await writeFile(join(folder, '.docker', 'config.json'), place(text))
  }
  if (configuration !== undefined)
    await writeFile(join(folder, 'dray.yaml'), place(JSON.stringify(configuration)))
}

async function store(images: readonly StoredImage[], oracle: Oracle): Promise<ReadonlyMap<string, Content>> {
  const contents = new Map<string, Content>()
  for (const one of images) {
    const content = contentOf(one)
    contents.set(one.image, content)
    const [repository, tag] = splitName(one.image)
    await oracle.push(content, repository, tag)
    for (const digest of childrenOf(content, one.missing ?? [])) await oracle.delete(repository, digest)
  }
  return contents
}

function contentOf(one: StoredImage): Content {
  const plain = one.helm === true ? artifact('helm', one.image) : imageOf(one)
  const content = one.manifest === undefined && one.without === undefined ? plain : changed(plain, one)
  const evidence = (one.evidence ?? []).map((kind) => evidenceOf(kind, content))
  return together(content, ...evidence)
}

function evidenceOf(kind: EvidenceKind, content: Content): Content {
  const artifactType = 'application/vnd.example.signature'
  if (kind === 'cosign') return cosignSignature(content)
  if (kind === 'artifact-manifest') return referrer(content, { artifactType, as: types.artifact })
  return referrer(content, kind === 'sbom' ? {} : { artifactType })
}

function imageOf({ image: label, index: platforms, layers = 1 }: StoredImage): Content {
  return platforms === undefined ? image({ label, layers }) : index(platforms, { label, layers })
}

/** The content with other fields in its root manifest. */
function changed(content: Content, { manifest = {}, without = [] }: StoredImage): Content {
  const root = content.manifests.find(({ descriptor }) => descriptor.digest === content.root.digest)
  const fields = {
    ...(JSON.parse(Buffer.from(root?.bytes ?? '{}').toString()) as Record<string, unknown>),
    ...manifest,
  }
  for (const name of without) delete fields[name]
  const { mediaType } = fields
  const made = manifestOf(typeof mediaType === 'string' ? mediaType : content.root.mediaType, fields)
  return {
    ...content,
    root: made.descriptor,
    manifests: [...content.manifests.filter((one) => one !== root), made],
  }
}

/** The digests of the children of an index for these platforms (`os/architecture`). */
function childrenOf(content: Content, platforms: readonly string[]): readonly string[] {
  const { manifests } = body(content) as { manifests?: readonly Descriptor[] | null }
  return (manifests ?? []).flatMap(({ digest, platform }) =>
    platforms.includes(`${platform?.os}/${platform?.architecture}`) ? [digest] : [],
  )
}

/**
 * Replaces `<repository:tag>` by the digest of that image, and `<repository:tag os/architecture>`
 * by that of a child.
 */
function filler(contents: ReadonlyMap<string, Content>): (text: string) => string {
  return (text) =>
    text.replace(/<([^<>\s]+)(?: ([^<>\s]+))?>/g, (whole, name: string, platform?: string) => {
      const content = contents.get(name)
      if (content === undefined) return whole
      return platform === undefined ? content.root.digest : (childrenOf(content, [platform])[0] ?? whole)
    })
}

class OddAnswers {
  readonly #answers: { readonly answer: OddAnswer; left: number }[]
  readonly #fill: (text: string) => string

  constructor(answers: readonly OddAnswer[], fill: (text: string) => string) {
    this.#answers = answers.map((answer) => ({ answer, left: answer.times ?? Infinity }))
    this.#fill = fill
  }

  choose({ method, path, headers }: ProxiedRequest): Injury | undefined {
    const found = this.#answers.find(
      ({ answer, left }) =>
        left > 0 &&
        matchesRequest(this.#fill(answer.request), method, path) &&
        (answer.if === undefined || headers[answer.if] !== undefined) &&
        (answer.unless === undefined || headers[answer.unless] === undefined),
    )
    if (found === undefined) return undefined
    found.left -= 1
    return this.#injuryOf(found.answer, path)
  }

  #injuryOf(answer: OddAnswer, path: string): Injury {
    const { status, headers = {}, body: answered = '', applied, amends, breaks, insteadOf } = answer
    if (breaks === true) return { kind: 'truncate' }
    const odd = Object.entries(headers).map(([name, value]) => [name, this.#headerOf(value, path)] as const)
    if (status === undefined) return { kind: 'headers', set: Object.fromEntries(odd) }
    if (amends === true) return { kind: 'headers', set: Object.fromEntries(odd), status }
    const text = typeof answered === 'string' ? answered : JSON.stringify(answered)
    return {
      kind: 'answer',
      status,
      headers: Object.fromEntries(odd.flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
      body: this.#fill(text),
      ...(applied === true && { applied }),
      ...(insteadOf !== undefined && { insteadOf }),
    }
  }

  /** `PATH` in a value stands for the path of the request. */
  #headerOf(value: string | null, path: string): string | null {
    return value === null ? null : this.#fill(value).replaceAll('PATH', path)
  }
}
