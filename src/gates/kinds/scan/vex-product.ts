import type { Digest } from '../../../oci/digest.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { matchesPackage, parsePackageUrl } from '../../../reports/package-url.ts'
import type { VexProduct } from '../../../reports/vex.ts'
import type { ReportedPackage } from '../../../reports/vulnerability.ts'
import type { JudgedImage, JudgedSubject } from '../../evidence.ts'

/**
 * Whether a product is this image: by a digest, or by a package URL of the repository. A product
 * without a name is the subject of the statement.
 */
export function isProduct({ ids, digests }: VexProduct, subject: JudgedSubject, image: JudgedImage): boolean {
  if (digests.length > 0) return digests.some((digest) => isDigestOf(digest, subject, image))
  return ids.length === 0 || ids.some((id) => isRepositoryUrl(id, subject, image))
}

/**
 * Whether a product may be this image, for statements that do not suppress: also under the name of
 * another repository, and with a tag as its version.
 */
export function mayBeProduct(product: VexProduct, subject: JudgedSubject, image: JudgedImage): boolean {
  if (isProduct(product, subject, image)) return true
  return product.digests.length === 0 && product.ids.some((id) => namesImage(id, image))
}

/** Whether a subcomponent may be a package, for the same statements: of any origin. */
export function mayBePackage(subcomponent: string, one: ReportedPackage): boolean {
  if (matchesPackage(subcomponent, one)) return true
  const [asked, has] = [subcomponent, one.purl ?? ''].map(parsePackageUrl)
  if (asked === undefined || (asked.name !== one.name && asked.name !== has?.name)) return false
  const version = has?.version ?? one.version
  return asked.version === undefined || version === undefined || asked.version === version
}

function isDigestOf(digest: Digest, subject: JudgedSubject, { root }: JudgedImage): boolean {
  return digest === subject.digest || digest === root.digest || digest === subject.config
}

function namesImage(id: string, { source }: JudgedImage): boolean {
  const url = parsePackageUrl(id)
  return (url?.type === 'oci' || url?.type === 'docker') && url.name.toLowerCase() === nameOf(source.path)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).toLowerCase()
}

/** Whether an id is the package URL of the image, without a version. A tag is no version. */
function isRepositoryUrl(id: string, { platform }: JudgedSubject, { source, tag }: JudgedImage): boolean {
  const url = parsePackageUrl(id)
  if (url?.type !== 'oci' || url.version !== undefined || url.namespace !== '') return false
  if (url.name !== nameOf(source.path)) return false
  const expected: Readonly<Record<string, string | undefined>> = {
    repository_url: formatRepository(source),
    arch: platform?.split('/')[1],
    tag,
  }
  return [...url.qualifiers].every(([key, value]) => Object.hasOwn(expected, key) && expected[key] === value)
}
