import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, type RepositoryName } from '../oci/reference.ts'

/**
 * An image that the registry deletes when its tag moves, because no other tag is on it (zot). A
 * registry without this behaviour has none.
 */
export interface FormerImage {
  /** what else in the repository leads to it or refers to it */
  readonly dependents: readonly Dependent[]
}

/** One for each tag that leads to it. */
export type Dependent =
  /** an index that has it as a child, at any depth */
  | { readonly kind: 'index'; readonly tag: string; readonly digest: Digest }
  /** an index that the run puts into the repository, and that has it as a child */
  | { readonly kind: 'new index'; readonly digest: Digest }
  /** the image that it is attached to: it is a referrer of that image */
  | { readonly kind: 'subject'; readonly digest: Digest }
  /** an attached artifact with a tag of its own, whose subject is this image or a child of it */
  | { readonly kind: 'referrer'; readonly tag: string; readonly digest: Digest }

/** Returns what would be damaged. An index or artifact whose tag moves in the same step is not. */
export function damagedBy(
  { dependents }: FormerImage,
  moves: (tag: string) => boolean,
): readonly Dependent[] {
  return dependents.filter((one) => !('tag' in one) || !moves(one.tag))
}

/** Why a tag must not move: a kept manifest needs the image that the registry would delete. */
export function neededImage(
  tag: string,
  { image, repository }: { readonly image: string; readonly repository: RepositoryName },
  former: Digest,
  damaged: readonly Dependent[],
): DrayError {
  return new DrayError(
    'refused',
    `cannot move the tag ${tag} of ${nameOf(image)}: it is the last tag of an image that is needed`,
    {
      subject: formatAt(repository, { tag }),
      why: `the registry deletes ${former} when this tag moves, but ${damaged.map(describe).join('; ')}`,
      hint: `Add another tag to that image first: dray tag ${formatAt(repository, { digest: former })} --tags TAG`,
    },
  )
}

/** The name of an image without its tag or digest. */
export function nameOf(image: string): string {
  return image.replace(/@[^/@]*$/, '').replace(/:[^/:]*$/, '')
}

function describe(dependent: Dependent): string {
  const { digest } = dependent
  switch (dependent.kind) {
    case 'index':
      return `the index ${dependent.tag} (${digest}) has it as a child`
    case 'new index':
      return `the new image ${digest} has it as a child`
    case 'subject':
      return `it is attached to the image ${digest}`
    case 'referrer':
      return `the artifact ${dependent.tag} (${digest}) is attached to it`
  }
}
