import * as fc from 'fast-check'
import { manifestOf, type StoredManifest, types } from '../images.ts'
import type { ManifestHistory } from './manifest-history.ts'
import { fallbackTag } from './evidence-tags.ts'
import { visibleIn } from './oracle/graph.ts'
import { buildImage } from './repository-builder.ts'
import { tagNames } from './tag-families.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * A change by another client during a prune. Numbers select a manifest or tag, modulo their number.
 */
export type RepositoryChange =
  | { readonly kind: 'push'; readonly tag: string; readonly daysOld: number }
  | { readonly kind: 'tag'; readonly tag: string; readonly on: number }
  /** an index of existing manifests: a push by digest, and `after` requests later its tag */
  | {
      readonly kind: 'index'
      readonly tag: string
      readonly children: readonly number[]
      readonly after: number
    }
  | { readonly kind: 'untag'; readonly which: number }
  | {
      readonly kind: 'refer'
      readonly to: number
      readonly children: readonly number[]
      readonly byTag: boolean
    }
  | { readonly kind: 'delete'; readonly which: number }

/** A change before the `at`-th request of a phase is handled. */
export interface TimedChange {
  readonly phase: 'reading' | 'deleting'
  readonly at: number
  readonly change: RepositoryChange
}

const which = fc.nat({ max: 60 })
const anyTag = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...tagNames) },
  { weight: 1, arbitrary: fc.constantFrom('new-1', 'new-2', 'release') },
)
const childNumbers = fc.array(which, { minLength: 1, maxLength: 3 })

const repositoryChange: fc.Arbitrary<RepositoryChange> = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), tag: anyTag, daysOld: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant('tag' as const), tag: anyTag, on: which }),
  fc.record({
    kind: fc.constant('index' as const),
    tag: anyTag,
    children: childNumbers,
    after: fc.nat({ max: 5 }),
  }),
  fc.record({ kind: fc.constant('untag' as const), which }),
  fc.record({
    kind: fc.constant('refer' as const),
    to: which,
    children: fc.oneof(fc.constant<number[]>([]), childNumbers),
    byTag: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('delete' as const), which }),
)

export const timedChanges: fc.Arbitrary<readonly TimedChange[]> = fc.array(
  fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({
        phase: fc.constant('reading' as const),
        at: fc.nat({ max: 60 }),
        change: repositoryChange,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        phase: fc.constant('deleting' as const),
        at: fc.nat({ max: 40 }),
        change: repositoryChange,
      }),
    },
  ),
  { maxLength: 5 },
)

/** Applies changes of other clients, and records what they changed. */
export class OtherClients {
  /** manifests that they deleted */
  readonly deleted: Set<string> = new Set()
  /** children that were missing from untagged manifests before another client could tag these */
  readonly broken: Set<string> = new Set()
  /** manifests that they pushed */
  readonly added: Set<string> = new Set()
  readonly #history: ManifestHistory
  readonly #later: { left: number; act: () => Promise<void> }[] = []
  #made = 0

  constructor(history: ManifestHistory) {
    this.#history = history
  }

  /** Continues pending changes. Called before each request. */
  async continuePending(): Promise<void> {
    for (const one of this.#later.splice(0)) {
      if (one.left > 0) this.#later.push({ ...one, left: one.left - 1 })
      else await one.act()
    }
  }

  async apply(one: RepositoryChange): Promise<void> {
    const { registry } = this.#history
    const snapshot = await this.#history.now()
    const { tags, manifests } = snapshot
    this.#noteBroken(snapshot)
    const digests = [...manifests.keys()]
    const pick = (n: number): string | undefined => digests[n % digests.length]
    switch (one.kind) {
      case 'push': {
        const { root, blobs, manifests: made } = buildImage(`push ${this.#made++}`, 'absent', one.daysOld)
        for (const [digest, bytes] of blobs) await registry.putBlob(digest, bytes)
        for (const manifest of made) await this.#put(manifest)
        await registry.tag(one.tag, root.digest)
        break
      }
      case 'tag': {
        const on = pick(one.on)
        if (on !== undefined) await registry.tag(one.tag, on)
        break
      }
      case 'index': {
        const index = manifestOf(types.index, {
          manifests: await this.#descriptors(one.children.flatMap((part) => pick(part) ?? [])),
          annotations: { n: `index ${this.#made++}` },
        })
        await this.#put(index)
        this.#later.push({ left: one.after, act: () => registry.tag(one.tag, index.descriptor.digest) })
        break
      }
      case 'untag': {
        const name = [...tags.keys()][one.which % tags.size]
        if (name !== undefined) await registry.untag(name)
        break
      }
      case 'refer':
        await this.#refer(
          pick(one.to),
          one.children.flatMap((part) => pick(part) ?? []),
          one.byTag,
        )
        break
      case 'delete': {
        const digest = pick(one.which)
        if (digest === undefined) break
        this.deleted.add(digest)
        await registry.remove(digest)
        break
      }
    }
    await this.#history.now()
  }

  #noteBroken(snapshot: Snapshot): void {
    const visible = visibleIn(snapshot, [])
    for (const { digest, children } of snapshot.manifests.values()) {
      if (visible.has(digest)) continue
      for (const child of children) if (!snapshot.manifests.has(child.digest)) this.broken.add(child.digest)
    }
  }

  async #refer(to: string | undefined, listed: readonly string[], byTag: boolean): Promise<void> {
    const { registry } = this.#history
    const [subject] = await this.#descriptors(to === undefined ? [] : [to])
    if (subject === undefined) return
    const index = manifestOf(types.index, {
      artifactType: 'application/vnd.example.report',
      subject,
      manifests: await this.#descriptors(listed.filter((digest) => digest !== to)),
      annotations: { n: `referrer ${this.#made++}` },
    })
    await this.#put({ ...index, subject: subject.digest })
    if (!byTag && registry.abilities.referrers) return
    const tag = fallbackTag(subject.digest)
    const { tags, manifests } = await this.#history.now()
    const before = manifests.get(tags.get(tag) ?? '')?.children.map(({ digest }) => digest) ?? []
    const all = await this.#descriptors([...before, index.descriptor.digest])
    const list = manifestOf(types.index, { manifests: all })
    await this.#put(list)
    await registry.tag(tag, list.descriptor.digest)
  }

  async #put(manifest: StoredManifest): Promise<void> {
    this.added.add(manifest.descriptor.digest)
    await this.#history.registry.putManifest(manifest)
  }

  async #descriptors(digests: readonly string[]) {
    const { registry } = this.#history
    const found = await Promise.all([...new Set(digests)].map((digest) => registry.describe(digest)))
    return found.flatMap((one) => one ?? [])
  }
}
