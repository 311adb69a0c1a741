"""Words and rules from which `headstart.data.builtin.values` makes values.

All of it was written for this project. Names of cities, countries, companies, instruments and the like are plain facts; titles,
bands and queries are put together from single words, none is taken from a list of existing ones.

`WORDS` holds lists: name to words, separated by commas. `RULES` holds rules: name to lines `weight: form | form`, where a line is
drawn by its weight and then one of its forms; `{name}` in a form stands for a draw from the list, rule or generator of that name.
A word that is written twice is drawn twice as often.
"""

from __future__ import annotations

WORDS: dict[str, str] = {
    # Dates, times and amounts.
    "few": "two, three, four, five, six, seven, eight, nine, ten, 2, 3, 4, 5, 6, 8, 10",
    "hour_word": "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
    "minute_word": "five, ten, ten, twenty, twenty, twenty five, five minutes, ten minutes, twenty minutes",
    "minutes_spoken": (
        "oh five, ten, fifteen, fifteen, twenty, twenty five, thirty, thirty, thirty five, forty, forty five, forty five, fifty, "
        "fifty five, twelve, eighteen, twenty two"
    ),
    "meridiem": "am, am, pm, pm, a.m., p.m., AM, PM, a. m., p. m.",
    "time_unit": "seconds, seconds, minutes, minutes, minutes, minutes, hours, hours, hours, days, days, weeks, months, years",
    "long_unit": "minutes, hours, hours, hours, days, weeks, months, years",
    "date_unit": "days, days, weeks, weeks, months, years",
    "day_part": "morning, afternoon, evening, night",
    "near": "this, next, next, last, the coming, the following, this coming, the previous",
    "season": "spring, summer, autumn, winter, fall",
    "holiday": (
        "christmas, christmas eve, christmas day, boxing day, new year's eve, new year's day, easter, easter sunday, good friday, "
        "easter monday, halloween, thanksgiving, independence day, valentine's day, mother's day, father's day, labor day, "
        "memorial day, saint patrick's day, hanukkah, diwali, ramadan, eid, chinese new year, carnival, columbus day, pentecost"
    ),
    "repeat": "every day, every morning, every evening, every week, every month, every weekend, daily, weekly, every other day",
    "time_grain": "second, minute, hour, day, week, month, quarter, year, weekend",
    "length_unit": "meters, kilometers, miles, feet, inches, centimeters, millimeters, yards, km, cm, m, mi, ft",
    "weight_unit": "kilograms, kilos, grams, pounds, ounces, tons, milligrams, stone, kg, g, lbs, oz",
    "volume_unit": "liters, milliliters, cups, gallons, pints, quarts, tablespoons, teaspoons, fluid ounces, ml, l",
    "area_unit": "square meters, square feet, acres, hectares, square miles, square kilometers, square inches",
    "speed_unit": "miles per hour, kilometers per hour, miles an hour, meters per second, knots, mph, km/h",
    "data_unit": "megabytes, gigabytes, terabytes, kilobytes, megabits, bytes, mb, gb, tb",
    "money_word": "dollars, dollars, dollars, euros, euros, pounds, pounds, bucks, cents, pence, yen, rupees, pesos, francs, quid",
    "confirmation": "yes, no, yeah, yep, nope, sure, of course, no thanks, okay, not really, please do, absolutely, maybe",
    "stars": "one, two, three, four, five, 1, 2, 3, 4, 5",
    # Home, food and nature.
    "room": (
        "living room, kitchen, bedroom, bathroom, hallway, hall, office, garage, basement, attic, dining room, guest room, "
        "guest bedroom, master bedroom, kids room, children's room, nursery, laundry room, utility room, garden, balcony, "
        "terrace, patio, porch, study, library, cellar, pantry, closet, conservatory, sun room, game room, playroom, music room, "
        "home cinema, gym, studio, workshop, shed, entrance, staircase, landing, corridor, family room, lounge, den, foyer, "
        "back yard, front yard, driveway, upstairs bathroom, downstairs toilet, shower room, spare room, winter garden, loft, "
        "meeting room, conference room, lobby, reception, break room, classroom, waiting room, storage room, wardrobe, sauna"
    ),
    "device": (
        "lamp, light, ceiling light, bedside lamp, floor lamp, television, tv, radio, speaker, stereo, fan, ceiling fan, heater, "
        "radiator, thermostat, air conditioner, humidifier, air purifier, coffee machine, kettle, toaster, oven, microwave, stove, "
        "dishwasher, washing machine, dryer, fridge, freezer, vacuum cleaner, robot vacuum, lawn mower, sprinkler, garage door, "
        "front door, door lock, doorbell, window, blinds, shutters, curtains, camera, alarm, alarm clock, smoke detector, "
        "motion sensor, printer, router, computer, laptop, tablet, phone, watch, headphones, projector, game console, plug, "
        "power strip, switch, dimmer, fireplace, pool pump, aquarium, christmas lights, soundbar, water heater, boiler"
    ),
    "food": (
        "pizza, pasta, spaghetti, lasagna, risotto, ravioli, rice, fried rice, noodles, ramen, sushi, sashimi, tempura, curry, "
        "chicken curry, butter chicken, naan, samosas, dumplings, spring rolls, pad thai, tacos, burritos, quesadillas, nachos, "
        "guacamole, enchiladas, chili, burger, cheeseburger, veggie burger, hot dog, sandwich, club sandwich, bagel, toast, "
        "french fries, mashed potatoes, baked potato, potato salad, steak, roast beef, meatballs, pork chops, bacon, ham, sausage, "
        "lamb, chicken, chicken wings, fried chicken, turkey, duck, salmon, tuna, shrimp, lobster, fish and chips, clam chowder, "
        "tomato soup, chicken soup, lentil soup, onion soup, salad, caesar salad, greek salad, coleslaw, omelette, scrambled eggs, "
        "boiled eggs, porridge, cereal, granola, yogurt, cheese, cheddar, mozzarella, feta, butter, bread, garlic bread, croissant, "
        "apples, bananas, oranges, grapes, strawberries, blueberries, mango, pineapple, watermelon, avocado, tomatoes, cucumber, "
        "carrots, broccoli, spinach, mushrooms, onions, peppers, zucchini, eggplant, beans, chickpeas, lentils, tofu, falafel, "
        "hummus, kebab, couscous, paella, goulash, schnitzel, fondue, quiche, shepherd's pie, macaroni and cheese, sweet potatoes, "
        "peanut butter, honey, olives, pickles, popcorn, crackers, almonds, walnuts, corn, cauliflower, pumpkin, asparagus"
    ),
    "dessert": (
        "ice cream, vanilla ice cream, chocolate cake, cheesecake, apple pie, pumpkin pie, cherry pie, brownies, cookies, "
        "chocolate chip cookies, cupcakes, muffins, donuts, pancakes, waffles, crepes, tiramisu, panna cotta, creme brulee, pudding, "
        "rice pudding, chocolate mousse, fruit salad, sorbet, lemon tart, carrot cake, banana bread, macarons, eclairs, baklava, "
        "apple strudel, profiteroles, gingerbread, shortbread, trifle, custard, frozen yogurt, milkshake, fudge, candy, marshmallows"
    ),
    "drink": (
        "water, sparkling water, mineral water, coffee, espresso, cappuccino, latte, latte macchiato, flat white, americano, mocha, "
        "iced coffee, tea, green tea, black tea, mint tea, chai, iced tea, hot chocolate, milk, oat milk, orange juice, apple juice, "
        "tomato juice, lemonade, cola, ginger ale, tonic water, root beer, smoothie, beer, wheat beer, cider, red wine, white wine, "
        "sparkling wine, champagne, gin and tonic, whiskey, rum, vodka, tequila, mojito, margarita, martini, bloody mary, sangria"
    ),
    "animal": (
        "dog, cat, horse, cow, pig, sheep, goat, chicken, duck, goose, rabbit, hamster, guinea pig, mouse, rat, parrot, canary, "
        "goldfish, turtle, tortoise, snake, lizard, frog, toad, bear, polar bear, panda, wolf, fox, lion, tiger, leopard, cheetah, "
        "jaguar, elephant, giraffe, zebra, hippo, rhino, gorilla, chimpanzee, monkey, kangaroo, koala, deer, moose, elk, bison, "
        "buffalo, camel, llama, donkey, squirrel, beaver, otter, badger, hedgehog, raccoon, skunk, bat, eagle, hawk, owl, falcon, "
        "crow, raven, swan, penguin, flamingo, ostrich, peacock, pigeon, seagull, shark, whale, blue whale, dolphin, seal, walrus, "
        "octopus, squid, jellyfish, crab, lobster, salmon, trout, bee, wasp, ant, butterfly, spider, scorpion, snail, crocodile, "
        "alligator, komodo dragon, platypus, sloth, armadillo, meerkat, hyena, antelope, orangutan, lemur, chameleon, gecko"
    ),
    "weather": (
        "rain, light rain, heavy rain, snow, sleet, hail, fog, mist, wind, strong wind, sunshine, clouds, thunderstorm, thunder, "
        "lightning, storm, snowstorm, blizzard, drizzle, showers, frost, ice, heat wave, humidity, tornado, hurricane, flood, "
        "sunny, cloudy, partly cloudy, overcast, rainy, snowy, windy, foggy, stormy, humid, hot, cold, warm, freezing, dry, clear"
    ),
    "landform": (
        "mountain, hill, valley, river, lake, ocean, sea, island, desert, forest, canyon, volcano, glacier, beach, bay, cape, cliff, "
        "plateau, peninsula, waterfall, creek, pond, swamp, cave, reef, rocky mountains, grand canyon, amazon river, lake michigan, "
        "mount everest, sahara desert, the alps, nile, rhine, danube, pacific ocean, atlantic ocean, lake geneva, mississippi"
    ),
    "common_color": (
        "red, blue, green, yellow, orange, purple, pink, black, white, brown, gray, grey, violet, turquoise, cyan, magenta, beige, "
        "gold, silver, dark blue, light blue, sky blue, navy blue, dark green, light green, lime green, dark red, wine red, maroon, "
        "teal, olive, lavender, lilac, cream, ivory, bronze, copper, warm white, cool white, soft white, mint, salmon, peach, mustard"
    ),
    "base_color": "red, blue, green, yellow, orange, purple, pink, brown, gray, violet, turquoise, magenta",
    # Sport, culture and work.
    "sport": (
        "football, american football, soccer, basketball, baseball, softball, tennis, table tennis, badminton, squash, golf, hockey, "
        "ice hockey, field hockey, volleyball, beach volleyball, handball, rugby, cricket, boxing, wrestling, judo, karate, "
        "taekwondo, fencing, archery, swimming, diving, water polo, rowing, sailing, surfing, windsurfing, kayaking, skiing, "
        "cross country skiing, ski jumping, snowboarding, ice skating, figure skating, curling, bobsled, running, marathon, "
        "track and field, high jump, pole vault, javelin, triathlon, cycling, mountain biking, horse riding, gymnastics, yoga, "
        "climbing, bouldering, hiking, skateboarding, bowling, darts, billiards, snooker, formula one, motor racing, lacrosse, "
        "polo, weightlifting, crossfit, martial arts, kickboxing, netball, ultimate frisbee, pickleball, chess, dancing, zumba"
    ),
    "genre": (
        "rock, pop, jazz, blues, classical, country, hip hop, rap, metal, heavy metal, death metal, punk, punk rock, folk, soul, "
        "funk, disco, house, deep house, techno, trance, electronic, dance, ambient, chill out, reggae, ska, dub, dubstep, "
        "drum and bass, rhythm and blues, r&b, gospel, opera, swing, big band, bluegrass, indie, indie rock, indie pop, "
        "alternative, alternative rock, grunge, hard rock, soft rock, progressive rock, classic rock, new wave, synth pop, k-pop, "
        "latin, salsa, bachata, reggaeton, samba, bossa nova, tango, flamenco, world music, new age, lounge, lo-fi, acoustic, "
        "singer songwriter, soundtrack, musical, children's music, christmas music, eighties, nineties, oldies, party music, "
        "workout music, meditation, piano music, chamber music, baroque, celtic, afrobeat, trap, garage, rockabilly, emo"
    ),
    "film_genre": (
        "comedy, romantic comedy, drama, thriller, horror, action, adventure, science fiction, sci-fi, fantasy, western, crime, "
        "mystery, documentary, animation, cartoon, family, war, history, biography, musical, superhero, film noir, anime, detective"
    ),
    "event": (
        "birthday, birthday party, wedding, wedding anniversary, anniversary, party, dinner party, concert, festival, conference, "
        "meeting, team meeting, staff meeting, board meeting, interview, job interview, appointment, doctor's appointment, "
        "dentist appointment, haircut, exam, lecture, class, workshop, webinar, training, presentation, exhibition, trade fair, "
        "graduation, baby shower, baptism, funeral, christmas party, barbecue, picnic, brunch, lunch, dinner, breakfast, "
        "date night, movie night, game night, theater performance, opera, football game, basketball game, match, tournament, "
        "marathon, bike race, hackathon, meetup, book club, parent teacher conference, school play, field trip, road trip, "
        "vacation, flight, holiday, reunion, family reunion, class reunion, housewarming, parade, flea market, garage sale, "
        "charity event, fundraiser, auction, wine tasting, cooking class, yoga class, gym session, phone call, video call, demo"
    ),
    "creative_work": (
        "song, album, playlist, movie, film, show, series, episode, season, book, audiobook, novel, story, short story, poem, play, "
        "podcast, radio show, news, game, video game, music video, comic, magazine, newspaper, article, trailer, documentary"
    ),
    "music_work": "song, songs, album, albums, playlist, track, tracks, music, single, singles, soundtrack, record, tune, mix",
    "written_work": "book, novel, article, poem, story, letter, essay, magazine, newspaper, comic, blog, recipe, script, biography",
    "anaphor": "it, that, this, them, those, these, that one, this one, him, her, the same, the other one, the last one, there",
    "position": (
        "left, right, top, bottom, center, middle, the first one, the last one, above, below, next to, behind, in front of, "
        "the top left, the bottom right, upper, lower, the one on the left, the next one, the previous one, beside, between, under"
    ),
    "visual_mode": "show, show me, display, on screen, let me see, watch, view, look at, full screen, picture, open, bring up",
    "social_media": "facebook, instagram, twitter, youtube, linkedin, snapchat, pinterest, reddit, tumblr, whatsapp, tiktok, telegram",
    "business_kind": (
        "restaurant, italian restaurant, chinese restaurant, coffee shop, cafe, bar, pub, bakery, butcher, supermarket, grocery store, "
        "convenience store, gas station, pharmacy, drugstore, hospital, dentist, doctor, vet, bank, atm, post office, police station, "
        "hotel, hostel, gym, hair salon, barber shop, nail salon, spa, laundry, dry cleaner, car wash, car repair, garage, bookstore, "
        "hardware store, furniture store, shoe store, clothing store, toy store, pet store, flower shop, florist, jeweler, museum, "
        "library, cinema, movie theater, theater, night club, bowling alley, swimming pool, park, zoo, airport, train station, "
        "parking garage, school, kindergarten, church, travel agency, real estate agency, law firm, plumber, electrician, locksmith"
    ),
    "service": (
        "delivery, pick up, room service, car rental, taxi, streaming, cleaning, home cleaning, dry cleaning, babysitting, pet sitting, "
        "dog walking, moving, plumbing, gardening, lawn care, catering, tutoring, haircut, massage, manicure, oil change, tire change, "
        "towing, repair, phone repair, insurance, banking, online banking, mobile banking, translation, tax advice, legal advice"
    ),
    "everyday_job": (
        "doctor, nurse, dentist, teacher, lawyer, engineer, plumber, electrician, carpenter, painter, gardener, cook, chef, waiter, "
        "waitress, bartender, baker, butcher, hairdresser, barber, driver, bus driver, taxi driver, truck driver, pilot, mechanic, "
        "police officer, firefighter, soldier, farmer, cleaner, cashier, salesman, secretary, accountant, programmer, "
        "software developer, web designer, photographer, journalist, writer, musician, singer, actor, dancer, vet, pharmacist, "
        "therapist, personal trainer, babysitter, nanny, tutor, real estate agent, handyman, locksmith, roofer, tailor, babysitter"
    ),
    "software": (
        "calculator, calendar, camera app, email client, web browser, text editor, spreadsheet, photo editor, music player, "
        "video player, weather app, maps, messenger, password manager, note app, fitness tracker, alarm clock, file manager, "
        "banking app, translator, voice recorder, antivirus, app store, shopping list, to do list, podcast player, chess app"
    ),
    "known_company": (
        "google, apple, microsoft, amazon, netflix, facebook, samsung, sony, toyota, volkswagen, mercedes, bmw, ford, tesla, boeing, "
        "airbus, siemens, bosch, philips, nokia, intel, ibm, oracle, adobe, coca cola, pepsi, nestle, unilever, starbucks, "
        "mcdonald's, nike, adidas, ikea, walmart, target, costco, fedex, ups, visa, general electric, exxon, shell, pfizer, bayer"
    ),
    "known_character": (
        "sherlock holmes, doctor watson, dracula, frankenstein, robin hood, alice, the mad hatter, the cheshire cat, peter pan, "
        "captain hook, tom sawyer, huckleberry finn, cinderella, snow white, red riding hood, king arthur, merlin, zorro, hamlet, "
        "macbeth, romeo, juliet, mowgli, pinocchio, gulliver, robinson crusoe, don quixote, captain nemo, captain ahab, moby dick, "
        "oliver twist, ebenezer scrooge, rumpelstiltskin, rapunzel, hansel and gretel, sinbad, aladdin, hercules, zeus, thor, odin"
    ),
    "landmark": (
        "eiffel tower, statue of liberty, golden gate bridge, big ben, tower bridge, buckingham palace, the colosseum, brandenburg gate, "
        "cologne cathedral, taj mahal, great wall, machu picchu, stonehenge, acropolis, sydney opera house, empire state building, "
        "white house, times square, central park, mount rushmore, space needle, hoover dam, the louvre, notre dame, red square, "
        "the kremlin, sagrada familia, trevi fountain, the leaning tower of pisa, petra, angkor wat, niagara falls, the pyramids, "
        "edinburgh castle, neuschwanstein castle, prague castle, charles bridge, alcatraz, lincoln memorial, hollywood sign"
    ),
    "civic_structure": (
        "airport, bridge, city hall, town hall, court house, embassy, fire station, hospital, library, museum, park, parking lot, "
        "playground, police station, post office, public toilet, school, stadium, subway station, bus stop, bus station, taxi stand, "
        "train station, zoo, cemetery, campground, convention center, aquarium, concert hall, ferry terminal, beach, university"
    ),
    # Places.
    "us_city": (
        "New York, New York City, Los Angeles, Chicago, Houston, Phoenix, Philadelphia, San Antonio, San Diego, Dallas, San Jose, "
        "Austin, Jacksonville, Fort Worth, Columbus, Charlotte, San Francisco, Indianapolis, Seattle, Denver, Washington, Boston, "
        "El Paso, Nashville, Detroit, Oklahoma City, Portland, Las Vegas, Memphis, Louisville, Baltimore, Milwaukee, Albuquerque, "
        "Tucson, Fresno, Sacramento, Kansas City, Mesa, Atlanta, Omaha, Colorado Springs, Raleigh, Miami, Long Beach, Oakland, "
        "Minneapolis, Tulsa, Tampa, Arlington, New Orleans, Wichita, Cleveland, Honolulu, Anaheim, Saint Louis, Pittsburgh, "
        "Cincinnati, Anchorage, Orlando, Buffalo, Salt Lake City, Boise, Richmond, Spokane, Des Moines, Little Rock, Savannah, "
        "Santa Fe, Ann Arbor, Palo Alto, Berkeley, Cambridge, Providence, Albany, Rochester, Syracuse, Madison, Baton Rouge"
    ),
    "gb_city": (
        "London, Birmingham, Manchester, Glasgow, Edinburgh, Liverpool, Leeds, Sheffield, Bristol, Cardiff, Belfast, Leicester, "
        "Coventry, Bradford, Nottingham, Newcastle, Newcastle upon Tyne, Hull, Plymouth, Southampton, Portsmouth, Stoke on Trent, "
        "Wolverhampton, Derby, Swansea, Reading, Aberdeen, Dundee, Brighton, York, Oxford, Cambridge, Norwich, Exeter, Bath, "
        "Gloucester, Chester, Canterbury, Durham, Lancaster, Lincoln, Carlisle, Worcester, Salisbury, Winchester, Inverness, "
        "Stirling, Perth, Preston, Sunderland, Peterborough, Truro, Wells, Ely, Hereford, Lichfield, Saint Albans, Bournemouth"
    ),
    "europe_city": (
        "Paris, London, Berlin, Madrid, Rome, Vienna, Amsterdam, Brussels, Lisbon, Dublin, Copenhagen, Stockholm, Oslo, Helsinki, "
        "Warsaw, Prague, Budapest, Bucharest, Sofia, Athens, Zagreb, Belgrade, Ljubljana, Bratislava, Riga, Vilnius, Tallinn, Kiev, "
        "Moscow, Saint Petersburg, Istanbul, Zurich, Geneva, Basel, Bern, Milan, Naples, Turin, Florence, Venice, Bologna, Palermo, "
        "Barcelona, Valencia, Seville, Bilbao, Malaga, Porto, Lyon, Marseille, Nice, Bordeaux, Toulouse, Strasbourg, Hamburg, "
        "Munich, Cologne, Frankfurt, Stuttgart, Dresden, Leipzig, Rotterdam, The Hague, Antwerp, Ghent, Bruges, Gothenburg, Malmo, "
        "Bergen, Aarhus, Krakow, Gdansk, Brno, Salzburg, Graz, Innsbruck, Reykjavik, Luxembourg, Monaco, Edinburgh, Split, Sarajevo"
    ),
    "at_city": "Wien, Graz, Linz, Salzburg, Innsbruck, Klagenfurt, Villach, Wels, Sankt Pölten, Dornbirn, Vienna, Steyr, Bregenz",
    "de_city": (
        "Berlin, Hamburg, München, Köln, Frankfurt, Stuttgart, Düsseldorf, Dortmund, Essen, Leipzig, Bremen, Dresden, Hannover, "
        "Nürnberg, Duisburg, Bochum, Wuppertal, Bielefeld, Bonn, Münster, Karlsruhe, Mannheim, Augsburg, Wiesbaden, Munich, Cologne"
    ),
    "world_city": (
        "Tokyo, Osaka, Kyoto, Seoul, Beijing, Shanghai, Hong Kong, Shenzhen, Taipei, Singapore, Bangkok, Kuala Lumpur, Jakarta, "
        "Manila, Hanoi, Ho Chi Minh City, Mumbai, New Delhi, Delhi, Bangalore, Chennai, Kolkata, Hyderabad, Karachi, Lahore, Dhaka, "
        "Colombo, Kathmandu, Dubai, Abu Dhabi, Doha, Riyadh, Tehran, Baghdad, Jerusalem, Tel Aviv, Beirut, Cairo, Casablanca, "
        "Marrakesh, Tunis, Lagos, Accra, Nairobi, Addis Ababa, Johannesburg, Cape Town, Sydney, Melbourne, Brisbane, Perth, "
        "Adelaide, Auckland, Wellington, Toronto, Montreal, Vancouver, Ottawa, Calgary, Quebec City, Mexico City, Guadalajara, "
        "Havana, Panama City, Bogota, Medellin, Quito, Lima, Santiago, Buenos Aires, Montevideo, Sao Paulo, Rio de Janeiro, Brasilia"
    ),
    "common_country": (
        "the United States, the USA, America, USA, the United Kingdom, England, Scotland, Great Britain, Germany, France, Italy, "
        "Spain, Portugal, the Netherlands, Holland, Belgium, Switzerland, Austria, Poland, Sweden, Norway, Denmark, Finland, Ireland, "
        "Greece, Turkey, Russia, Ukraine, China, Japan, India, South Korea, Australia, New Zealand, Canada, Mexico, Brazil, "
        "Argentina, Chile, Egypt, South Africa, Nigeria, Kenya, Israel, Iceland, Thailand, Vietnam, Indonesia, the Philippines"
    ),
    "more_region": (
        "Bavaria, Saxony, Tuscany, Sicily, Lombardy, Provence, Brittany, Normandy, Catalonia, Andalusia, Galicia, Flanders, Wallonia, "
        "Tyrol, Ontario, Quebec, British Columbia, Alberta, Nova Scotia, New South Wales, Queensland, Victoria, Tasmania, Punjab, "
        "Kerala, Gujarat, Scotland, Wales, Northern Ireland, the Midwest, New England, the Bay Area, Silicon Valley, Scandinavia"
    ),
    "common_language": (
        "English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Norwegian, Danish, Finnish, Polish, Czech, Hungarian, "
        "Greek, Turkish, Russian, Ukrainian, Arabic, Hebrew, Hindi, Urdu, Bengali, Tamil, Chinese, Mandarin, Cantonese, Japanese, "
        "Korean, Vietnamese, Thai, Indonesian, Latin, Swahili, Irish, Welsh, Brazilian Portuguese, American English, British English"
    ),
    "street_suffix": (
        "Street, Street, Street, Avenue, Avenue, Road, Road, Lane, Drive, Drive, Boulevard, Court, Place, Way, Square, Terrace, Circle"
    ),
    "street_word": (
        "Main, High, Oak, Maple, Elm, Pine, Cedar, Park, Lake, Hill, Church, Mill, River, Spring, Station, Market, Bridge, Washington, "
        "Lincoln, Jefferson, Madison, King, Queen, Victoria, Garden, Forest, Meadow, Sunset, Broad, Union, North, South, West, School"
    ),
    "airport_code": "JFK, LAX, ORD, SFO, SEA, BOS, ATL, DFW, Heathrow, Gatwick, LHR, CDG, FRA, MUC, AMS, Newark, LaGuardia, O'Hare",
    # Single words of which titles, names and queries are made.
    "adjective": (
        "silent, golden, broken, hidden, lost, last, first, dark, bright, wild, lonely, crazy, secret, frozen, burning, electric, "
        "midnight, crimson, silver, blue, red, black, white, velvet, hollow, sleeping, dancing, falling, rising, endless, sweet, "
        "bitter, ancient, modern, forgotten, invisible, quiet, loud, little, great, strange, happy, sad, beautiful, young, old, "
        "cold, warm, distant, paper, iron, stolen, final, second, perfect, savage, gentle, wicked, brave, royal, mighty, restless"
    ),
    "noun": (
        "river, mountain, shadow, mirror, garden, lantern, heart, dream, star, moon, flower, stone, storm, winter, summer, horizon, "
        "island, ocean, road, train, tower, castle, kingdom, empire, crown, sword, dragon, wizard, hunter, soldier, pilot, captain, "
        "stranger, neighbor, daughter, brother, sister, mother, teacher, detective, robot, ghost, angel, monster, machine, window, "
        "door, letter, painting, diamond, secret, promise, legend, whisper, fire, flame, forest, desert, village, planet, rocket, "
        "satellite, signal, engine, hammer, arrow, raven, tiger, wolfhound, bird, spider, lion, rabbit, orchard, harbor, lighthouse, "
        "bridge, cabin, hotel, circus, theater, violin, piano, guitar, drum, song, rhythm, feather, button, pocket, suitcase, bottle"
    ),
    "abstract": (
        "love, hope, freedom, silence, time, fear, trust, courage, honor, justice, darkness, light, fate, fortune, glory, madness, "
        "memory, revenge, mercy, wonder, thunder, destiny, eternity, gravity, winter, home, tomorrow, forever, paradise, heaven"
    ),
    "verb": "love, need, want, hold, call, follow, remember, forget, leave, find, trust, save, believe, hear, touch, wake, know",
    "verb_ing": "dancing, waiting, running, dreaming, falling, walking, singing, driving, flying, crying, swimming, looking, living",
    "game_word": "quest, racer, wars, saga, fighter, tactics, simulator, tycoon, rush, arena, legends, adventure, chronicles, runner",
    "board_game": (
        "chess, checkers, go, backgammon, solitaire, poker, blackjack, bridge, hearts, rummy, dominoes, bingo, hangman, tic tac toe, "
        "twenty questions, trivia, hide and seek, tag, charades, mahjong, sudoku, crossword, word search, memory, yahtzee, darts, pool"
    ),
    "team_name": (
        "tigers, lions, bears, eagles, hawks, wolves, sharks, panthers, bulls, rockets, kings, knights, giants, pirates, warriors, "
        "stars, thunder, united, city, rovers, wanderers, athletic, rangers, dynamo, town, albion, fc, falcons, cougars, raiders"
    ),
    "company_word": (
        "Systems, Foods, Bank, Motors, Airlines, Electronics, Insurance, Energy, Media, Software, Logistics, Pharma, Industries, "
        "Technologies, Partners, Group, Holdings, Studios, Labs, Consulting, Construction, Telecom, Records, Publishing, Solutions"
    ),
    "company_suffix": "Inc, Ltd, LLC, Corporation, Company, GmbH, and Sons, Group, PLC",
    "title_before_name": "doctor, doctor, professor, mister, mr, mrs, miss, ms, dr, captain, sir, officer, judge, senator",
    "relative": (
        "mom, dad, mum, my mother, my father, my brother, my sister, grandma, grandpa, my wife, my husband, my boss, my daughter, "
        "my son, my neighbor, my best friend"
    ),
    # Search queries.
    "task": (
        "boil eggs, tie a tie, change a tire, bake bread, clean a carpet, remove a stain, fix a bike, plant tomatoes, learn spanish, "
        "write a resume, lose weight, save money, cut onions, fold a shirt, train a dog, cook rice, make pizza dough, paint a wall, "
        "unclog a drain, reset my password, build a shelf, knit a scarf, play guitar, start a business, invest in stocks, "
        "sleep better, stop hiccups, sharpen a knife, draw a horse, solve a rubik's cube, brew coffee, iron a shirt, pack a suitcase"
    ),
    "thing": (
        "running shoes, wireless headphones, electric car, washing machine, coffee grinder, winter jacket, laptop, gaming laptop, "
        "office chair, mountain bike, air fryer, mattress, phone case, smart watch, digital camera, tent, sleeping bag, backpack, "
        "lawn mower, vacuum cleaner, baby stroller, electric toothbrush, desk lamp, bookshelf, kitchen knife, yoga mat, drone, "
        "solar panels, heat pump, sunglasses, umbrella, rain boots, dog food, cat litter, light bulbs, batteries, paper towels"
    ),
    "topic": (
        "photosynthesis, black holes, the roman empire, world war two, the french revolution, climate change, renewable energy, "
        "quantum physics, artificial intelligence, machine learning, the human heart, vitamin d, blood pressure, migraine, allergies, "
        "mortgage rates, income tax, inflation, the stock market, solar eclipse, northern lights, plate tectonics, evolution, dinosaurs, "
        "ancient egypt, the moon landing, the ice age, meditation, breathing exercises, gluten free diet, intermittent fasting, "
        "interior design, modern art, jazz history, greek mythology, the solar system, earthquakes, volcanoes, recycling, home schooling"
    ),
    "invention": "telephone, light bulb, steam engine, airplane, zipper, bicycle, television, printing press, computer, radio, compass",
    "query_adjective": "best, cheap, cheapest, used, new, top rated, affordable, popular, small, waterproof, portable, second hand, local",
    # No values: what the library lists are chosen by, and words that titles don't capitalise.
    "europe_code": "GB, DE, AT, FR, IT, ES, NL, BE, PL, CZ, PT, CH, SE, DK, NO, FI, IE, HR, RO, BG",
    # Territories of the CLDR that are no countries: groups, bases, empty islands and codes for tests.
    "no_country": "AC, AQ, BV, CC, CP, CQ, CX, DG, EA, EU, EZ, GS, HM, IO, NF, QO, SH, SJ, TA, TF, UM, UN, WF, XA, XB, ZZ",
    "currency_code": (
        "USD, EUR, GBP, JPY, CHF, CAD, AUD, NZD, CNY, INR, KRW, BRL, MXN, SEK, NOK, DKK, PLN, CZK, HUF, TRY, ZAR, ILS, THB, SGD, HKD, "
        "RUB, UAH, EGP, ARS"
    ),
    "small_word": "a, an, and, at, for, from, in, of, on, the, to, with",
}

RULES: dict[str, str] = {
    # Dates.
    "date": """
        6: {written_date}
        8: {spoken_date}
        6: today | tomorrow | tomorrow | yesterday | tonight | the day after tomorrow | day after tomorrow | the day before yesterday
        6: {weekday} | {near} {weekday} | {near} {weekday} | {weekday} next week | {weekday} the {day_ordinal} | a week from {weekday}
        4: this weekend | next weekend | the weekend | last weekend | {near} week | {near} month | {near} year | end of the month
        4: in {few} {date_unit} | {few} {date_unit} from now | {few} {date_unit} ago | in a week | a week from today | in a month
        2: the {day_ordinal} | {day_ordinal} | the {day_ordinal} of the month | the {day_ordinal} of next month
        2: {month} | {near} {month} | {month} {year} | {near} {season} | {season} | the {season} of {year} | {year}
        2: {holiday} | {holiday} | next {holiday} | {holiday} {year}""",
    "date_range": """
        3: from {weekday} to {weekday} | {weekday} to {weekday} | between {weekday} and {weekday} | from now until {weekday}
        3: from {spoken_date} to {spoken_date} | between {spoken_date} and {spoken_date} | {month} to {month} | since {month}
        3: this week | next week | last month | this weekend | the next {few} {date_unit} | the last {few} {date_unit} | {near} {season}""",
    "weekday_value": "8: {weekday}\n2: {near} {weekday}\n1: {weekday}s | {weekday_short}",
    "month_value": "8: {month}\n1: {near} {month} | {month_short} | this month | next month | last month",
    "season_value": "6: {season}\n3: {near} {season} | the {season} | {season} {year} | early {season} | late {season}",
    # Times.
    "time": """
        40: {time_of_day}
        2: this morning | this afternoon | this evening | tonight | morning | evening | now | in the morning""",
    "time_of_day": """
        6: {hour_word} {meridiem} | {hour_word} {meridiem} | {hour_word}
        6: {hour} {meridiem} | {hour}am | {hour}pm | {hour} {meridiem}
        3: {hour_word} o'clock | {hour} o'clock | {hour_word} o'clock in the morning | {hour_word} o'clock sharp
        4: half past {hour_word} | quarter to {hour_word} | quarter past {hour_word} | a quarter to {hour_word} | half {hour_word}
        3: {minute_word} past {hour_word} | {minute_word} to {hour_word} | {minute_word} after {hour_word}
        4: {clock} | {clock} | {hour}:{minute}
        4: {hour}:{minute} {meridiem} | {hour}:{minute}am | {hour}:{minute}pm
        5: {hour_word} {minutes_spoken} | {hour_word} {minutes_spoken} {meridiem} | {hour_word} {minutes_spoken} {meridiem}
        4: {hour_word} in the morning | {hour_word} in the afternoon | {hour_word} in the evening | {hour} at night | {hour} tonight
        2: noon | midnight | midday""",
    "time_range": """
        4: from {hour_word} to {hour_word} | between {hour_word} and {hour_word} {meridiem} | {hour} to {hour} {meridiem}
        3: {clock} to {clock} | from {clock} until {clock} | {hour}-{hour}{meridiem} | until {time_of_day} | after {time_of_day} | before {time_of_day}
        2: this morning | this afternoon | tonight | in the morning | the whole day | the next {few} hours | the last {few} hours""",
    "date_time": """
        6: {date} at {time_of_day} | {time_of_day} {date} | {time_of_day} on {weekday} | {weekday} at {time_of_day} | tomorrow at {time_of_day} | today at {time_of_day}
        3: tomorrow {day_part} | {weekday} {day_part} | {spoken_date} in the {day_part} | this {day_part} | yesterday {day_part}
        2: in {duration} | {duration} from now | in {few} minutes | in an hour | {few} hours ago
        1: now | right now | later today | as soon as possible | immediately""",
    "any_time": "4: {date}\n4: {time}\n4: {date_time}\n1: {time_range} | {date_range}",
    "luis_time": "4: {date}\n4: {time}\n4: {date_time}\n2: {duration}\n1: {time_range} | {date_range} | {repeat_time}",
    "repeat_time": "2: {repeat}\n2: every {weekday} | {weekday}s | every {few} days | every {time_grain} | every {weekday} at {time_of_day}",
    "duration": """
        11: {count} {time_unit}
        2: a minute | an hour | one hour | one minute | a day | a week | a month | a year | one week | one second
        1: half an hour | half a day | half a minute | a quarter of an hour | three quarters of an hour | a fortnight
        1: an hour and a half | one and a half hours | a minute and a half | a year and a half
        2: {few} and a half {long_unit} | {few} and a half hours
        3: an hour and {count} minutes | {few} hours and {count} minutes | {few} minutes and {count} seconds | {few} hours {count} minutes
        2: a couple of {time_unit} | a few {time_unit} | several {long_unit} | {few} more {time_unit} | {few} days and {few} hours
        1: {digits} min | {digits} mins | {digits}h | {digits} hrs | {digits}s | {digits} sec""",
    "half": "1: {count} | {few} and a half | {digits}.5",
    "length": "8: {half} {length_unit}\n1: a mile | one kilometer | half a mile | a meter | an inch | one foot | {few} feet {few} inches",
    "weight": "8: {half} {weight_unit}\n1: a pound | one kilo | half a pound | an ounce | {digits}kg | {digits}g | {digits} kg",
    "volume": "8: {half} {volume_unit}\n1: a cup | half a liter | one gallon | a tablespoon | half a cup | a pint | {digits}ml",
    "area": "8: {half} {area_unit}\n1: one acre | a hectare | a square meter | {digits} sq ft",
    "speed": "8: {half} {speed_unit}\n1: {digits}mph | {digits} km/h",
    "data_amount": "8: {half} {data_unit}\n1: a gigabyte | one terabyte | {digits}gb",
    "quantity": "2: {half} cups of {food}\n2: {weight} of {food} | {weight} | {volume} | {volume} of {drink}\n1: {few} {food}",
    "unit_name": "1: {length_unit} | {weight_unit} | {volume_unit} | {area_unit} | {speed_unit} | {data_unit}",
    "dimension": "3: {length}\n2: {weight}\n2: {volume}\n1: {area} | {speed} | {data_amount}",
    "temperature": """
        5: {count} degrees | {count} degrees | minus {few} degrees | {digits} degrees outside
        4: {count} degrees celsius | {count} degrees fahrenheit | {count} fahrenheit | {count} celsius | {count} degrees centigrade
        3: {digits}°C | {digits}°F | {digits}° | -{digits} degrees | {digits} °C | {digits}.5 degrees | {digits}c | {digits}f""",
    "percentage": "6: {count} percent\n4: {digits}% | {digits} % | {digits}.5% | {digits} per cent\n1: a hundred percent | 100% | half a percent",
    "money": """
        6: {count} {money_word} | {number} {money_word} | {few} {money_word}
        5: {price}
        2: {few} dollars and {count} cents | {few} euros {digits} | {few} pounds fifty | a dollar | one euro | a hundred bucks
        1: {few} million dollars | {few} thousand euros | {digits} usd | {digits} eur | {few} {currency} | {digits} grand""",
    "age": """
        6: {count} years old | {count} year old | {count} | {count} years | {few} months old | {few} years of age
        2: {few} and a half years old | a year old | one year old | {few} weeks old | {count} years of age""",
    "phone_number": "6: {written_phone}\n4: {spoken_phone}",
    "any_number": "9: {number}\n2: {decimal}",
    "number_sequence": "1: {digit_string} | {spoken_digits}",
    # People.
    "first_name": "6: {us_first_name}\n2: {more_first_name}\n1: {gb_first_name}",
    "last_name": "6: {us_last_name}\n2: {more_last_name}",
    "full_name": "9: {first_name} {last_name}\n1: {first_name} {initial} {last_name} | {first_name} {last_name} {last_name}",
    "person": "6: {full_name}\n4: {first_name}\n1: {title_before_name} {last_name} | {last_name}",
    "contact": "5: {first_name}\n3: {full_name}\n2: {relative} | {relative} | uncle {first_name} | aunt {first_name}\n1: {title_before_name} {last_name}",
    "professional": "4: {full_name}\n4: doctor {last_name} | dr {last_name} | {title_before_name} {last_name} | {title_before_name} {full_name}",
    "band": """
        4: the {adjective} {noun}s | the {noun}s | {adjective} {noun}s
        4: {adjective} {noun} | {noun} {noun} | {noun} and {noun} | {noun} club | {noun} orchestra | {noun} collective
        3: {first_name} and the {noun}s | the {last_name} brothers | {last_name} and {last_name} | the {last_name} band | {last_name} trio
        2: {few} {adjective} {noun}s | {adjective} {animal} | {city} {noun}s | {city} symphony orchestra | {abstract} {noun}""",
    "artist": "6: {full_name}\n5: {band}\n2: {first_name} | dj {first_name} | mc {noun} | young {noun} | lady {abstract} | {last_name}",
    "character": """
        5: {known_character}
        5: captain {noun} | doctor {noun} | princess {first_name} | prince {first_name} | {noun} man | {noun} girl | uncle {first_name}
        4: {first_name} the {animal} | mister {animal} | the {adjective} {noun} | king {first_name} | {first_name} the {adjective}""",
    # Titles.
    "movie": """
        6: the {adjective} {noun} | the {adjective} {noun} | {adjective} {noun}s | the {noun} {noun} | return of the {noun}
        5: {noun} of {abstract} | {noun}s of the {noun} | the {noun} and the {noun} | one {noun} in {city} | the {noun} of {city}
        3: {first_name} and the {adjective} {noun} | finding {first_name} | waiting for {first_name} | {first_name} in {city}
        3: {verb_ing} with {noun}s | {verb_ing} to {city} | {noun} {digit} | the {noun} part two | {noun}s versus {noun}s
        3: {abstract} and {abstract} | {few} {noun}s | beyond {abstract} | {abstract} | before the {noun} | my {adjective} {noun}""",
    "series": "6: {movie}\n3: {last_name} and {last_name} | {city} {abstract} | the {last_name}s | house of {noun}s | {noun} squad",
    "book": "6: {movie}\n3: the {noun}'s {noun} | a history of {abstract} | the {everyday_job}'s {noun} | letters from {city} | {full_name}",
    "episode": "2: {movie}\n2: episode {few} | season {few} | the latest episode | season {few} episode {few} | the pilot",
    "song": """
        5: {verb_ing} in the {noun} | {verb_ing} for you | {verb} me | {verb} me tonight | don't {verb} me | {verb} your {abstract}
        5: {adjective} {noun} | {adjective} {abstract} | {noun} of {abstract} | one more {noun} | like the {noun} | {noun}s in the {noun}
        3: {first_name} | hey {first_name} | take me to {city} | {city} nights | {month} {noun} | {weekday} {noun} | goodbye {first_name}
        3: i {verb} you | i {verb} the {noun} | you {verb} my {noun} | {abstract} | where is the {noun} | what {abstract} means""",
    "album": "5: {song}\n4: {movie}\n2: {noun}s and {noun}s | {adjective} {noun} sessions | live in {city} | greatest hits | the best of {artist}",
    "playlist": "3: my {adjective} playlist | {genre} {weekday} | {genre} hits | top {digits} {genre}\n2: {first_name}'s mix | {verb_ing} music",
    "video_game": """
        5: {noun} {game_word} | {adjective} {noun} {digit} | {noun} {game_word} {digit} | super {noun} {game_word}
        4: legend of the {noun} | {noun}s of {abstract} | {adjective} {game_word} | {sport} {year} | {noun} {noun} online
        2: {first_name}'s {noun} | {noun} {game_word}: {abstract} | world of {noun}s | {abstract} {game_word}""",
    "game": "5: {board_game}\n3: {video_game}",
    # Firms and places.
    "company": """
        4: {known_company}
        5: {last_name} {company_word} | {last_name} {company_suffix} | {last_name} and {last_name} | {noun} {company_word}
        2: {city} {company_word} | {last_name} {company_word} {company_suffix} | {last_name}, {last_name} and {last_name}""",
    "organization": "5: {company}\n2: {city} university | university of {city} | {city} {sport} club | the {country} {company_word} association",
    "school": "3: {city} university | university of {city} | {last_name} college\n2: {street_word} school | {last_name} high school",
    "clinic": "3: {city} general hospital | {last_name} clinic | saint {first_name} hospital\n2: {street_word} medical center | {last_name} dental",
    "finance": "2: {last_name} bank | bank of {city} | {city} credit union | {last_name} {company_word} | first national bank of {city}",
    "airline": "2: {country} airlines | air {country} | {city} airways | {noun} air | {adjective} wings | {city} airlines",
    "airport": "5: {city} airport | {city} | {city} international airport | {city} international\n2: {airport_code} | {last_name} airport",
    "eatery": """
        4: {first_name}'s | {first_name}'s {food} | {last_name}'s diner | cafe {first_name} | {noun} cafe | the {adjective} {animal}
        3: {food} house | the {noun} grill | {city} {food} | {adjective} {noun} bistro | {food} palace | {street_word} street kitchen""",
    "local_business": "3: {eatery}\n4: {last_name}'s {business_kind} | {street_word} street {business_kind} | {noun} {business_kind}",
    "cinema": """
        4: {noun} cinema | {city} cinema | {last_name} theater | the {noun} | {noun} {digit} | {street_word} street cinema
        3: {adjective} {noun} movie theater | {city} multiplex | {noun} palace | {noun} drive in | cinema {noun} | grand {noun}""",
    "music_venue": "3: {noun} arena | {city} arena | {last_name} hall\n3: the {noun} club | {city} opera house | {adjective} {noun} lounge",
    "channel": "3: channel {count} | {city} news | {noun} tv | the {topic} channel\n2: {sport} channel | radio {city} | {noun} {digits}",
    "radio": "4: radio {city} | {noun} fm | {city} {digits}.5 | {genre} radio | {digits}.7 fm\n2: {adjective} {noun} radio | {genre} {digits}",
    "team": "5: {us_city} {team_name} | {gb_city} {team_name} | {team_name} | the {team_name}\n2: {europe_city} {team_name} | fc {europe_city}",
    "match": "3: {team} versus {team} | {team} against {team} | the {sport} final\n2: {sport} world cup | {city} marathon | {country} open",
    "festival": "3: {city} film festival | {genre} festival | {city} {genre} festival\n2: {noun} fest | {season} festival | {city} {food} festival",
    "music_event": "3: {artist} concert | {artist} in {city} | {genre} night\n2: {festival} | {artist} tour | {noun} open air",
    "city": "4: {us_city}\n4: {world_city}\n4: {europe_city}\n2: {gb_city}\n2: {more_city}",
    "us_city_value": "6: {us_city}\n2: {more_us_city}\n1: {us_city} {us_state}",
    "gb_city_value": "6: {gb_city}\n2: {more_gb_city}",
    "europe_city_value": "6: {europe_city}\n2: {more_europe_city}\n1: {gb_city} | {de_city}",
    "de_city_value": "2: {de_city}\n4: {more_de_city}",
    "at_city_value": "2: {at_city}\n4: {more_at_city}",
    "country": "5: {common_country}\n4: {any_country}",
    "region": "4: {us_state}\n2: {gb_region}\n2: {more_region}\n1: {de_region} | {at_region}",
    "de_region_value": "5: {de_region}\n1: {more_de_region}",
    "more_de_region": "1: Bavaria | Saxony | Hesse | Lower Saxony | Thuringia | Allgäu | Schwarzwald | Black Forest | Ruhrgebiet | Eifel | Harz",
    "at_region_value": "5: {at_region}\n1: Vienna | Styria | Tyrol | Carinthia | Lower Austria | Upper Austria | Wachau | Salzkammergut",
    "language": "4: {common_language}\n1: {any_language}",
    "street": "4: {street_word} {street_suffix}\n3: {last_name} {street_suffix}\n2: {street_ordinal} {street_suffix}\n1: {first_name} {street_suffix}",
    "street_address": "6: {house_number} {street}\n2: {house_number} {street} {us_city} | {house_number} {street} apartment {count}",
    "postal_address": "4: {street_address}\n4: {house_number} {street} {us_city} {us_state} | {house_number} {street}, {us_city}, {us_state} {zip_code}",
    "location": "4: {city}\n2: {city_and_country}\n2: {street_address}\n1: {landmark} | {us_city} {us_state} | {country} | {business_kind}",
    "residence": "3: home | my house | my apartment | my place\n3: {first_name}'s house | {first_name}'s place | {street_address} | {last_name} residence",
    "color": "7: {common_color}\n2: {any_color}\n1: dark {base_color} | light {base_color} | bright {base_color}",
    "job": "5: {everyday_job}\n4: {any_job}",
    # Free text.
    "search_query": """
        5: how to {task} | how do i {task} | how long does it take to {task} | {task} for beginners | tips to {task}
        5: {query_adjective} {thing} | {query_adjective} {thing} near me | {thing} reviews | {thing} | {thing} under {count} dollars
        5: {query_adjective} {business_kind} in {city} | {business_kind} near me | {business_kind} in {city} | {business_kind} open now
        5: {food} recipe | easy {food} recipe | {food} without {food} | calories in {food} | {food} with {food} | recipe for {dessert}
        5: what is {topic} | {topic} | {topic} explained | history of {topic} | news about {topic} | facts about {topic}
        4: weather in {city} | weather in {city} {date} | flights to {city} | hotels in {city} | population of {country} | capital of {country}
        3: who invented the {invention} | how old is {full_name} | {full_name} | {full_name} net worth | where was {full_name} born
        3: {animal} facts | what does the {animal} eat | {animal} top speed | {animal} pictures | where does the {animal} live
        2: {movie} movie cast | {song} lyrics | {artist} tour dates | {band} | {sport} results | {team} score | {event} gift ideas""",
    "free_text": """
        6: {search_query}
        3: {food} and {food} | the {adjective} {noun} | {thing} | {everyday_job} | {adjective} {noun} | the {noun} and the {noun}
        2: buy {food} | call {first_name} | pick up {first_name} at {time_of_day} | i need {thing} | {first_name}'s {event} | {event} on {weekday}
        2: {date} | {number} | {full_name} | {city} | {color} | {animal} | {room}""",
    "key_phrase": "3: {adjective} {noun} | {thing} | {topic}\n3: {query_adjective} {thing} | {business_kind} | {noun} {noun} | {event}",
    "email": """
        5: {mail_user}@{mail_domain}
        3: {mail_name} at {mail_host} dot com | {mail_name} dot {mail_name} at {mail_host} dot com | {mail_name} at {mail_host} dot org""",
    "mail_user": "3: {mail_name}.{mail_name} | {mail_name}\n2: {mail_name}{digits} | {mail_name}_{noun} | info | contact | {noun}.{noun}",
    "mail_host": "1: gmail | yahoo | hotmail | example | {noun}mail | outlook",
    "url": """
        4: www.{noun}{noun}.com | {noun}-{noun}.org | https://www.{noun}.example.com | {noun}.com/{noun} | http://example.org/{noun}
        2: {noun} dot com | www dot {noun} dot com | {noun}{noun} dot org""",
    "alphanumeric": "2: {letter}{digit_string} | {letter}{letter}{digit_string}\n2: {letter} {letter} {spoken_digits} | {letter} {digit} {letter} {digit}",
    "flight_number": "3: {letter}{letter}{digits} | {letter}{letter} {digits}\n2: {letter}{letter}{digit_string} | {letter} {letter} {spoken_digits}",
    "uk_post_code": "3: {letter}{letter}{digit} {digit}{letter}{letter} | {letter}{digit} {digit}{letter}{letter}",
    "rating": "3: {stars} stars | {stars} stars | {few} out of ten\n2: {stars} and a half stars | five star | highest rated | best rated | top rated",
}

__all__ = ["RULES", "WORDS"]
