//! Words of field names, by what stands behind them.
//!
//! Read by [`super::keys`]. A list is one text: the words are many, and none of them is looked at alone.

/// Words, with a space between.
pub(super) struct List(&'static str);

impl List {
    /// Whether it has this word.
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.split(' ').any(|known| known == word)
    }
}

/// Words behind which a value is a secret.
pub(super) const SECRETS: List = List(
    "password passwd pwd passphrase passcode secret token authorization cookie signature credential credentials jwt otp \
    csrf xsrf apikey sessionid session hmac nonce sig pin",
);

/// Words that make a secret of a `key`.
pub(super) const OF_KEYS: List = List("api access private secret signing encryption client shared license licence auth");

/// Last words of a field that only speaks about such a value.
pub(super) const ABOUT: List = List(
    "type count limit expires expiry at in kind scheme algorithm version verified status id ids enabled required length \
    format label country",
);

/// An e-mail address.
pub(super) const EMAILS: List = List("email emails mail mailto");

/// A phone number.
pub(super) const PHONES: List =
    List("phone phones mobile msisdn telephone tel fax cell cellphone whatsapp phonenumber waid caller called callee");

/// A day of birth.
pub(super) const BIRTHS: List = List("dob birthday birthdate birth born dateofbirth");

/// The number of a card, an account, a document.
pub(super) const NUMBERS: List = List(
    "iban bic ssn cnp passport pan cvc cvv last4 cardnumber accountnumber nationalid taxid personalid routingnumber \
    sortcode insurance card nino nif cpf",
);

/// A person's name.
pub(super) const NAMES: List = List(
    "username login nickname fullname firstname lastname surname forename cardholder givenname familyname middlename \
    displayname screenname handle maidenname patient attendee profilename",
);

/// What else has a name, and is no person.
pub(super) const THINGS: List = List(
    "event file host domain table queue topic task service app application product plan price repository repo branch \
    package model template bucket class method function module column field tag status currency state stage pipeline \
    project workflow step integration webhook hook channel category campaign form item sku variant type object metric \
    milestone label system destination operation db database collection exception error server network peer namespace \
    thread job process tool assistant voice shipping gateway browser os device rule resource scope span attribute header \
    parameter key",
);

/// A postal address or a part of one.
pub(super) const ADDRESSES: List = List(
    "address street addr line1 line2 address1 address2 city town zip zipcode postal postcode postalcode latitude longitude \
    lat lng lon geo house apartment",
);

/// What a person wrote.
pub(super) const TEXTS: List = List(
    "text message note notes body comment comments caption description content subject feedback transcript summary remarks \
    remark bio question answer reason diagnosis symptoms complaint review memo prompt",
);

/// The network address of somebody's machine.
pub(super) const NETWORKS: List = List("ip ipaddress clientip remoteaddr remoteaddress ipaddr");

#[cfg(test)]
mod tests {
    use super::{NAMES, NETWORKS, SECRETS, THINGS};

    #[test]
    fn a_list_has_its_first_its_last_and_what_stands_at_the_end_of_a_line_and_no_part_of_a_word() {
        assert!(SECRETS.has("password") && SECRETS.has("pin") && NETWORKS.has("ipaddr") && NAMES.has("profilename"));
        assert!(!SECRETS.has("pass") && !SECRETS.has("") && !THINGS.has("event file"));
        assert!([&SECRETS, &NAMES, &THINGS].iter().all(|list| list.0.split(' ').all(|word| !word.is_empty())));
    }
}
