//! Plain words that texts are made of: common English nouns, which most vocabularies have whole.

/// Each once.
const WORDS: &str = "time year people way day man thing woman life child world school state family student group \
    country problem hand part place case week company system program question work government \
    number night point home water room mother area money story fact month lot right study book \
    eye job word business issue side kind head house service friend father power hour game line \
    end member law car city community name president team minute idea body information back \
    parent face level office door health person art history party result change morning reason \
    research girl moment air teacher force education foot boy age policy music market sense \
    nation plan college interest experience effect use class control field development role \
    effort rate heart show leader light voice wife police mind return price report decision son \
    view relationship town road arm difference value building action season society tax director \
    position player record paper space ground form event official matter center couple site \
    project base activity star table need court oil situation cost industry figure street image \
    phone data picture practice piece land product doctor wall patient worker news test movie \
    north love support technology step baby computer type attention film tree source \
    organization hair window culture chance brother energy period course summer plant \
    opportunity term letter condition choice rule south floor campaign material population \
    economy medical hospital church risk fire future bank west sport board subject officer rest \
    behavior performance top goal second bed order author agency nature color store sound \
    movement page race concern series language response animal factor decade article east artist \
    scene stock career treatment approach size dog fund media sign thought list individual \
    quality pressure answer resource meeting success cup amount ability staff character growth \
    loss degree region television box training trade deal election feeling standard bill message \
    analysis benefit lawyer section glass skill sister professor operation stage authority \
    design sort knowledge station strategy truth song example environment leg dark public \
    various rock yard bird garden river lake mountain forest sea ship boat train plane bridge \
    island beach snow rain wind storm cloud sun moon stone metal wood iron gold silver cotton \
    ring key lamp chair desk shelf kitchen bread milk fruit apple rice meat fish salt sugar \
    coffee tea dinner lunch breakfast shirt shoe coat hat bag pocket camera radio clock watch \
    map ticket gift toy ball bell flag tower gate wheel engine machine tool rope wire pipe tank \
    farm horse cow sheep cat mouse bear lion wolf snake spider";

/// Each of them.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.split(' ')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_words_are_plain_and_different() {
        let all: Vec<_> = words().collect();
        assert!(all.len() > 400);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        let plain = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        assert!(all.iter().all(plain));
    }
}
