import type { Fields } from '../../oci/fields.ts'
import { configsOf, cycloneDxVersion, manifestsOf, nested } from '../shared/cyclonedx.ts'
import { withoutRepeats } from '../shared/named-digests.ts'
import type { SbomComponent, SbomDocument } from '../sbom.ts'

const versions = ['1.2', '1.3', '1.4', '1.5', '1.6', '1.7']

/** Parses a CycloneDX BOM in JSON. @throws `malformed`, `unsupported`. */
export function parseCycloneDxSbom(bom: Fields, where: string): SbomDocument {
  const specVersion = cycloneDxVersion(bom, versions, where)
  const image = bom.optionalObject('metadata')?.optionalObject('component')
  return {
    format: 'cyclonedx',
    specVersion,
    describes: withoutRepeats([...manifestsOf(image), ...configsOf(image)]),
    components: [...(image === undefined ? [] : nested(image)), ...nested(bom)].map(componentOf),
  }
}

function componentOf(component: Fields): SbomComponent {
  const { version, purl, group } = component.texts('version', 'purl', 'group')
  const name = component.text('name')
  return {
    name: group === undefined || group === '' ? name : `${group}/${name}`,
    ...(version !== undefined && version !== '' && { version }),
    ...(purl !== undefined && purl !== '' && { purl }),
    licenses: withoutRepeats(component.objects('licenses').flatMap(licenseOf)),
  }
}

function licenseOf(choice: Fields): readonly string[] {
  const license = choice.optionalObject('license')
  const text =
    choice.optionalText('expression') ?? license?.optionalText('id') ?? license?.optionalText('name')
  return text === undefined ? [] : [text]
}
