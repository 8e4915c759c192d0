import type { RegistryError } from '../errors.ts'
import { knownRegistry } from '../registries.ts'

/**
 * The subject of a refused delete. `item`: the registry keeps this one, because it is locked,
 * immutable or in use, and deletes others. `repository`: it deletes nothing in the repository for
 * now. `ability`: it has no such deletes. `unknown`: it may be a missing permission or a proxy.
 */
type RefusalSubject = 'item' | 'repository' | 'ability' | 'unknown'

/** A documented or observed response to a delete. Each part that is given must match. */
interface KnownRefusal {
  readonly about: RefusalSubject
  readonly kind?: 'deleteTag' | 'deleteManifest'
  readonly statuses: readonly number[]
  /** the whole code */
  readonly code?: RegExp
  readonly text?: RegExp
  /** the registry that answers so; absent for the common meaning of a status */
  readonly registry?: string
  /** the source of the claim */
  readonly source: string
}

/** A lock or a rule that a person has set. */
const lockText =
  /\bimmutab(?:le|ility)\b|\blocked\b|\blegal hold\b|\bprotected (?:(?:container )?tags?|from|against)\b|\btag .{0,200}\bis protected\b/i

/** The first row that matches decides. */
const knownRefusals: readonly KnownRefusal[] = [
  {
    about: 'item',
    statuses: [409, 412, 423],
    source:
      'RFC 9110, sections 15.5.10 and 15.5.13, RFC 4918, section 11.3: the state of the item. Harbor: src/lib/http/error.go, 412 PRECONDITION (immutable tag), VIOLATE_FOREIGN_KEY_CONSTRAINT (referenced by others) and PROJECTPOLICYVIOLATION. Quay: endpoints/v2/manifest.py, TagImmutable. GitLab: registry/handlers/manifests.go, 409 MANIFEST_REFERENCED_IN_LIST. Harness: 409 MANIFEST_REFERENCED. zot: pkg/api/routes.go, 409 MANIFEST_INVALID for ErrManifestConflict',
  },
  {
    about: 'repository',
    statuses: [403, 405],
    code: /DENIED/,
    text: /\bread[ -]only\b|\bdisabled\b/i,
    registry: 'Quay, Harbor',
    source:
      'github.com/quay/quay, endpoints/v2/errors.py: ReadOnlyMode and NamespaceDisabled are 405 DENIED. goharbor/harbor, src/server/middleware/readonly: 403 DENIED, read only mode',
  },
  {
    about: 'item',
    statuses: [400, 403, 405],
    text: /\breferenced\b|\breferrers\b/i,
    registry: 'Amazon ECR, Docker Hub, Google',
    source:
      'docs.aws.amazon.com/AmazonECR, image signatures: UNSUPPORTED with "Requested image referenced by manifest list". docs.docker.com/reference/api/registry, DeleteImageManifest: 403, the manifest may still be referenced. github.com/docker/hub-feedback/issues/2465: referrers',
  },
  {
    about: 'item',
    statuses: [400, 403, 405],
    text: /\bin use\b/i,
    source: 'the phrase names the reason',
  },
  {
    about: 'item',
    statuses: [400, 403, 405],
    text: lockText,
    registry: 'GitLab, Docker Hub, Google and others with immutable tags',
    source:
      'docs.gitlab.com, protected and immutable container tags. github.com/docker/docs/pull/26007: immutable tags of Docker Hub cannot be deleted. cloud.google.com/artifact-registry, immutable image tags',
  },
  {
    about: 'item',
    statuses: [400, 403, 405],
    text: /\bundeploy was cancell?ed\b|\brelease bundles?\b/i,
    registry: 'Artifactory',
    source: 'github.com/devopshq/artifactory-cleanup/issues/155: 400, an artifact of a release bundle',
  },
  {
    about: 'item',
    statuses: [400, 403, 405],
    code: /\w*(?:REFERENCED|IMMUTABLE|LOCKED|IN_USE|PROTECTED)\w*/i,
    registry: 'Amazon ECR, Quay, Harness',
    source:
      'docs.aws.amazon.com/AmazonECR, API_ImageFailure: ImageReferencedByManifestList. harness/harness, registry: MANIFEST_REFERENCED. Codes of this form name the reason',
  },
  {
    about: 'item',
    statuses: [400],
    code: /GOOGLE_MANIFEST_\w+|FAILED_PRECONDITION/,
    registry: 'Google Artifact Registry',
    source:
      'github.com/enix/kube-image-keeper/issues/636: GOOGLE_MANIFEST_DANGLING_TAG. github.com/GoogleCloudPlatform/gcr-cleaner/issues/130: GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE',
  },
  {
    about: 'ability',
    statuses: [400, 404, 405],
    code: /UNSUPPORTED|METHOD_NOT_ALLOWED/,
    registry: 'distribution, GitHub, Harbor',
    source:
      'distribution-spec, Error Codes, UNSUPPORTED. goharbor/harbor, src/server/registry/manifest.go: 400 for a tag; src/lib/http/error.go: 405 METHOD_NOT_ALLOWED for a project that is a proxy',
  },
  {
    about: 'ability',
    kind: 'deleteTag',
    statuses: [400],
    code: /DIGEST_INVALID/,
    registry: 'distribution 2.8',
    source: 'github.com/distribution/distribution/pull/3174: a tag is taken for an invalid digest',
  },
  {
    about: 'item',
    statuses: [405],
    code: /.+/,
    registry: 'Azure Container Registry, zot',
    source:
      'github.com/Azure/acr-cli/issues/70: REGISTRY_DISALLOWED_OPERATION, a locked image. project-zot/zot, pkg/api/routes.go, DeleteManifest: DENIED for a manifest of an index',
  },
  {
    about: 'item',
    statuses: [404],
    code: /.+/,
    registry: 'Quay, Nexus',
    source:
      'github.com/quay/quay, endpoints/v2/manifest.py: MANIFEST_UNKNOWN for a manifest without tags. github.com/sonatype/nexus-public/issues/317',
  },
  {
    about: 'ability',
    statuses: [404, 405],
    source: 'RFC 9110, section 15.5.6: a server without the endpoint or the method answers without a code',
  },
]

/**
 * Returns the subject of a refused delete of existing content, by the status and the registry's own
 * code and text.
 */
export function refusalSubject(
  kind: 'deleteTag' | 'deleteManifest',
  status: number,
  { code, text }: RegistryError,
): RefusalSubject {
  const isMatch = (row: KnownRefusal): boolean =>
    (row.kind === undefined || row.kind === kind) &&
    row.statuses.includes(status) &&
    (row.code === undefined || isWhole(row.code, code)) &&
    (row.text === undefined || row.text.test(text ?? ''))
  return knownRefusals.find(isMatch)?.about ?? 'unknown'
}

/** Whether a person has locked the content, by a lock or a rule for its tag. */
export function isImmutable({ code = '', text = '' }: RegistryError): boolean {
  return lockText.test(text) || /IMMUTABLE|LOCKED/i.test(code)
}

/**
 * Whether a registry keeps a manifest because of its tags, which then have to be deleted first.
 * Google's registry answers so, also under a custom host.
 */
export function isAboutTags({ code, text = '' }: RegistryError): boolean {
  return (
    code === 'GOOGLE_MANIFEST_DANGLING_TAG' || /\breferenced by (?:the |one or more )?tags?\b/i.test(text)
  )
}

/**
 * Whether a registry that failed a delete repeats it by itself. Docker Hub documents that for 500
 * (docs.docker.com/reference/api/registry, DeleteImageManifest).
 */
export function isUnderWay(registry: string, status: number): boolean {
  return status === 500 && knownRegistry(registry)?.name === 'Docker Hub'
}

function isWhole(pattern: RegExp, text: string | undefined): boolean {
  return text !== undefined && pattern.exec(text)?.[0] === text
}
