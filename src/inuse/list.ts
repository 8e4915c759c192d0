import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import { decodeText, maxTextBytes, parseDocuments } from './documents.ts'
import { byOf, inside, isMapping, type Spot, textOf } from './found.ts'
import { ImageCollection, type NamedImages } from './gather-images.ts'
import { addObjects, maxObjectBytes, objectName } from './kubernetes-json.ts'
import { referencesIn } from './references-in.ts'

/** A list that a person or a program gives. */
export interface ListInput {
  /** as it is called in messages: the file, or `standard input` */
  readonly name: string
  /** Opens it from its beginning. @throws what reading throws. */
  readonly read: (call: Call) => AsyncIterable<Uint8Array>
}

/**
 * Reads a list of images: a reference on each line, with `#` comments; a list of strings in JSON or YAML; objects of Kubernetes in JSON, as kubectl prints them; or
 * a stream of YAML documents, as `helm template` does. Which it is shows in how it begins.
 * @throws `refused` where it is empty or an image cannot be known; `malformed`.
 */
export async function readList({ name, read }: ListInput, call: Call): Promise<NamedImages> {
  const collection = new ImageCollection()
  const chunks = bounded(read(call), name, call)
  const head: Uint8Array[] = []
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    head.push(next.value)
    const first = firstCharacter(head)
    if (first === undefined) continue
    if (first === '{')
      await addObjects(collection, joined(head, chunks), name, (value) => whereIn(name, value))
    else addText(collection, decodeText(await whole(head, chunks, name), name), name)
    return checked(name, collection)
  }
  return checked(name, collection)
}

function checked(name: string, collection: ImageCollection): NamedImages {
  const images = collection.images()
  if (images.length > 0) return { name, images }
  throw new DrayError('refused', `${name} names no image`, {
    subject: name,
    why: 'a list of what runs should have one entry at least',
    hint: 'Look whether what made the list has failed; leave --in-use out where nothing is meant to run.',
  })
}

function addText(collection: ImageCollection, text: string, name: string): void {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
  const first = lines.find((line) => line !== '') ?? ''
  if (isYaml(first)) addDocuments(collection, text, name)
  else {
    const images = lines.flatMap((line, i) =>
      line === '' ? [] : [{ text: line, by: `${name}, line ${i + 1}` }],
    )
    collection.add({ images, renames: [] })
  }
}

/** A reference has no space in it and no colon at its end; YAML's first line has, or is a mark of its own. */
function isYaml(line: string): boolean {
  return /\s/.test(line) || line.endsWith(':') || /^(?:---|%|\[|\{)/.test(line)
}

function addDocuments(collection: ImageCollection, text: string, name: string): void {
  for (const { value, where } of parseDocuments(text, name)) {
    if (Array.isArray(value) && !value.every(isMapping)) addStrings(collection, value, where)
    else collection.add(referencesIn(value, where))
  }
}

/** @throws `malformed` for an entry that is no text. */
function addStrings(collection: ImageCollection, list: readonly unknown[], where: string): void {
  const spot: Spot = { where, place: [], isLoose: false, isCompose: false, globalRegistry: undefined }
  const images = list.map((entry, i) => {
    const at = inside(spot, i)
    const text = textOf(entry, at)
    if (text !== undefined) return { text, by: byOf(at) }
    throw new DrayError('malformed', `${byOf(at)}: an image should stand here`, { subject: byOf(at) })
  })
  collection.add({ images, renames: [] })
}

/** `pods.json: Deployment shop/api`, so that a person finds it. */
function whereIn(name: string, value: unknown): string {
  const called = objectName(value)
  return called === undefined ? name : `${name}: ${called}`
}

function firstCharacter(head: readonly Uint8Array[]): string | undefined {
  return /[^\s\u{feff}]/u.exec(new TextDecoder('utf-8').decode(Buffer.concat(head)))?.[0]
}

async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  call: Call,
): AsyncGenerator<Uint8Array, undefined> {
  let length = 0
  for await (const chunk of chunks) {
    call.signal.throwIfAborted()
    length += chunk.byteLength
    if (length > maxObjectBytes) throw tooLarge(name, maxObjectBytes)
    yield chunk
  }
  return undefined
}

async function* joined(
  head: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head
  yield* rest
}

async function whole(
  head: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
  name: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of joined(head, rest)) {
    length += chunk.byteLength
    if (length > maxTextBytes) throw tooLarge(name, maxTextBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(name: string, bytes: number): DrayError {
  return new DrayError('malformed', `${name} is larger than ${bytes} bytes`, { subject: name })
}
