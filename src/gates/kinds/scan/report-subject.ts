import { fitsPlatform, platformNamed } from '../../../oci/platform.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { ScanReport } from '../../../reports/vulnerability.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../../evidence.ts'
import { platformsOf } from '../../subjects.ts'
import type { BrokenReport, TrustedReport } from './collect-reports.ts'

/**
 * Whether a report belongs to a manifest (docs/gates/scan.md, Reports that count): it is attached
 * to the manifest or to the image, the statement around it is about one of these, and the report
 * itself names the manifest, its config, or the index and the platform. A report that names no
 * image belongs to the subjects of the statement.
 */
export function coversSubject(
  { evidence, report }: Pick<TrustedReport, 'evidence' | 'report'>,
  subject: JudgedSubject,
  image: JudgedImage,
): boolean {
  if (!isAbout(evidence, subject, image)) return false
  const about = statedDigests(evidence)
  const own = report.subject
  const isNamed = own.manifests.length + own.configs.length > 0
  if (about !== undefined && (!isNamed || evidence.assertedDigest !== undefined))
    return isNamedBy({ ...own, manifests: about, configs: [] }, subject, image)
  if (isNamedBy(own, subject, image)) return true
  // A scanner of a single platform image may name the index that it found the image in.
  return (
    about?.includes(subject.digest) === true &&
    own.manifests.includes(image.root.digest) &&
    (own.configs.length === 0 || (subject.config !== undefined && own.configs.includes(subject.config))) &&
    (own.platform === undefined || isPlatformOf(own.platform, subject, image))
  )
}

/** Whether the unknown findings of a report may be about a manifest. */
export function mayCoverSubject(
  { evidence }: BrokenReport,
  subject: JudgedSubject,
  image: JudgedImage,
): boolean {
  return isAbout(evidence, subject, image)
}

/** Whether an attached artifact and its statement are about a manifest or the whole image. */
export function isAbout(evidence: AttachedEvidence, subject: JudgedSubject, image: JudgedImage): boolean {
  const isWhole = (digest: Digest): boolean => digest === subject.digest || digest === image.root.digest
  if (evidence.layout !== 'reportFile' && !isWhole(evidence.attachedTo)) return false
  return statedDigests(evidence)?.some(isWhole) ?? true
}

/** The digests that a statement, or the user of a report file, says that the content is about. */
function statedDigests({ content, assertedDigest }: AttachedEvidence): readonly Digest[] | undefined {
  if (assertedDigest !== undefined) return [assertedDigest]
  return content.kind === 'statement' ? content.digests : undefined
}

function isNamedBy(
  { manifests, configs, platform }: ScanReport['subject'],
  subject: JudgedSubject,
  image: JudgedImage,
): boolean {
  // An index has no config. A report that names a platform is not about the whole index.
  if (subject.config === undefined) return manifests.includes(subject.digest) && platform === undefined
  if (configs.includes(subject.config) || manifests.includes(subject.digest)) return true
  return (
    manifests.includes(image.root.digest) && platform !== undefined && isPlatformOf(platform, subject, image)
  )
}

/** Whether a platform that a report names is that of this manifest and of no other of the image. */
function isPlatformOf(platform: string, subject: JudgedSubject, image: JudgedImage): boolean {
  const platforms = platformsOf(image)
  const equal = platforms.filter((one) => one.platform === platform)
  const asked = platformNamed(platform)
  const fitting =
    equal.length > 0 || asked === undefined
      ? equal
      : platforms.filter((one) => {
          const has = one.platform === undefined ? undefined : platformNamed(one.platform)
          return has !== undefined && fitsPlatform(asked, has)
        })
  return fitting.length === 1 && fitting[0]?.digest === subject.digest
}
