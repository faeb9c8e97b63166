/** What HR systems usually call a column, in English and German, by the LDAP attribute that holds the same. */
const NAMES: Readonly<Record<string, string>> = {
  employeeNumber:
    'personalnummer personalnr persnr pnr pn mitarbeiternummer mitarbeiternr manr maid employeenumber employeeno employeeid empno empid emplid staffid staffnumber staffno personnelnumber personid personennummer workerid',
  uid: 'uid userid username login loginname logon benutzername benutzer benutzerkennung kennung anmeldename account accountname samaccountname user',
  givenName: 'vorname rufname givenname firstname first forename prenom',
  sn: 'nachname familienname zuname name1 sn surname lastname last familyname nom',
  cn: 'cn fullname commonname vollername vollstaendigername name',
  displayName: 'displayname anzeigename',
  mail: 'mail email emailadresse emailaddress mailadresse mailaddress dienstmail geschaeftlicheemail workemail businessemail',
  telephoneNumber:
    'telefon telefonnummer telefonnr tel telnr telno rufnummer durchwahl phone phonenumber telephone telephonenumber workphone businessphone officephone festnetz',
  mobile: 'mobil mobiltelefon mobilnummer handy handynummer mobile mobilephone mobilenumber cell cellphone',
  facsimileTelephoneNumber: 'fax faxnummer faxnumber telefax facsimile facsimiletelephonenumber',
  title: 'title jobtitle position funktion stelle stellenbezeichnung berufsbezeichnung titel role',
  departmentNumber:
    'departmentnumber abteilung abteilungsnummer department dept kostenstelle costcenter costcentre division bereich',
  ou: 'ou organisationseinheit orgeinheit oe orgunit organizationalunit unit',
  o: 'o organisation organization firma company unternehmen gesellschaft',
  l: 'l ort stadt city town location standort dienstort',
  street: 'street strasse streetaddress anschrift adresse address',
  postalCode: 'postalcode plz postleitzahl zip zipcode postcode',
  roomNumber: 'roomnumber raum raumnummer zimmer zimmernummer room office buero bueronummer',
  employeeType: 'employeetype mitarbeiterart mitarbeitertyp beschaeftigungsart contracttype vertragsart',
  preferredLanguage: 'preferredlanguage sprache korrespondenzsprache language lang',
  initials: 'initials initialen kuerzel',
};

const ATTRIBUTES: ReadonlyMap<string, readonly string[]> = byName();

function byName(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [attribute, names] of Object.entries(NAMES)) {
    for (const name of names.split(' ')) found.set(name, [...(found.get(name) ?? []), attribute]);
  }
  return found;
}

/** Attributes that a column of this name usually goes to. */
export function usualNames(column: string): readonly string[] {
  return ATTRIBUTES.get(fold(column)) ?? [];
}

/** Letters and digits alone, small, umlauts as two letters: E-Mail is email, Straße is strasse. */
export function fold(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('ä', 'ae')
    .replaceAll('ö', 'oe')
    .replaceAll('ü', 'ue')
    .replaceAll('ß', 'ss')
    .replace(/[^a-z0-9]/g, '');
}
