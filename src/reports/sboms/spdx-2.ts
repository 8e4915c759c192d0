import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Fields } from '../../oci/fields.ts'
import {
  digestsOfHash,
  digestsOfPackageUrl,
  digestsOfReference,
  withoutRepeats,
} from '../shared/named-digests.ts'
import type { SbomComponent, SbomDocument } from '../sbom.ts'

/** Whether a document says that it is SPDX 2 in JSON. */
export function isSpdx2(document: Readonly<Record<string, unknown>>): boolean {
  return typeof document['spdxVersion'] === 'string'
}

/**
 * Parses SPDX 2.0 to 2.3 in JSON (spdx-spec 2.3, chapters 6 to 12).
 * @throws `malformed`, `unsupported`.
 */
export function parseSpdx2(document: Fields, where: string): SbomDocument {
  const version = document.text('spdxVersion')
  const [, specVersion] = /^SPDX-(2\.[0-3])$/.exec(version) ?? []
  if (specVersion === undefined) {
    const found = JSON.stringify(version.slice(0, 20))
    throw new DrayError('unsupported', `${where} has the SPDX version ${found}, and dray reads 2.0 to 2.3`)
  }
  const packages = document.objects('packages')
  const described = describedBy(document)
  const images = packages.filter((one) => described.has(one.optionalText('SPDXID')))
  return {
    format: 'spdx',
    specVersion,
    describes: withoutRepeats(images.flatMap(digestsOf)),
    components: packages.filter((one) => !isImage(one)).map(componentOf),
  }
}

/** Returns the ids of the elements that a document describes. */
function describedBy(document: Fields): ReadonlySet<string | undefined> {
  const documentId = document.optionalText('SPDXID') ?? 'SPDXRef-DOCUMENT'
  const relationships = document.objects('relationships').map((one) => {
    const { spdxElementId, relatedSpdxElement, relationshipType } = one.texts(
      'spdxElementId',
      'relatedSpdxElement',
      'relationshipType',
    )
    if (relationshipType === 'DESCRIBES' && spdxElementId === documentId) return relatedSpdxElement
    return relationshipType === 'DESCRIBED_BY' && relatedSpdxElement === documentId
      ? spdxElementId
      : undefined
  })
  return new Set([
    ...document.optionalTexts('documentDescribes'),
    ...relationships.filter((id) => id !== undefined),
  ])
}

/** Trivy and Syft describe the image as a package of its own. */
function isImage(one: Fields): boolean {
  const id = one.optionalText('SPDXID') ?? ''
  return (
    one.optionalText('primaryPackagePurpose') === 'CONTAINER' ||
    id.startsWith('SPDXRef-DocumentRoot-') ||
    id.startsWith('SPDXRef-ContainerImage-') ||
    digestsOfPackageUrl(purlOf(one)).length > 0
  )
}

function digestsOf(image: Fields): readonly Digest[] {
  const checksums = image.objects('checksums')
  // Trivy writes the digests of the image and its config as annotations.
  const notes = [
    ...image.objects('annotations').map((one) => one.optionalText('comment')),
    ...image.optionalTexts('attributionTexts'),
  ]
  return [
    ...digestsOfPackageUrl(purlOf(image)),
    ...digestsOfReference(image.optionalText('versionInfo')),
    ...digestsOfReference(image.optionalText('name')),
    ...checksums.flatMap((one) =>
      digestsOfHash(one.optionalText('algorithm'), one.optionalText('checksumValue')),
    ),
    ...notes.flatMap((note) => digestsOfReference(/^(?:ImageID|RepoDigest): (\S+)$/.exec(note ?? '')?.[1])),
  ]
}

function purlOf(one: Fields): string | undefined {
  return one
    .objects('externalRefs')
    .find((reference) => reference.optionalText('referenceType') === 'purl')
    ?.optionalText('referenceLocator')
}

function componentOf(one: Fields): SbomComponent {
  const version = one.optionalText('versionInfo')
  const purl = purlOf(one)
  const licenses = [one.optionalText('licenseConcluded'), one.optionalText('licenseDeclared')]
  return {
    name: one.text('name'),
    ...(version !== undefined && version !== '' && { version }),
    ...(purl !== undefined && { purl }),
    licenses: withoutRepeats(
      licenses.filter((license) => license !== undefined && isLicense(license)),
    ) as readonly string[],
  }
}

function isLicense(text: string): boolean {
  return text !== '' && text !== 'NOASSERTION' && text !== 'NONE'
}
